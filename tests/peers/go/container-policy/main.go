// container-policy POLICY REGISTRIES_D IMAGE: whether containers/image, and so Podman, Skopeo, Buildah and CRI-O, lets
// the image in by this policy.json. Ends with 0 and says nothing, or with 1 and the reason; anything else is 2.
//
// A program of ours around the library, since Debian's packages of those programs refuse every sigstore signature.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/containers/image/v5/docker"
	"github.com/containers/image/v5/image"
	"github.com/containers/image/v5/signature"
	"github.com/containers/image/v5/types"
)

func main() {
	if len(os.Args) != 4 {
		fail("wanted POLICY REGISTRIES_D IMAGE")
	}
	allowed, err := judge(os.Args[1], os.Args[2], os.Args[3])
	if allowed {
		return
	}
	var unmet signature.PolicyRequirementError
	var invalid signature.InvalidSignatureError
	if errors.As(err, &unmet) || errors.As(err, &invalid) {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fail(fmt.Sprint(err))
}

func judge(policyFile, registries, name string) (bool, error) {
	policy, err := signature.NewPolicyFromFile(policyFile)
	if err != nil {
		return false, err
	}
	policies, err := signature.NewPolicyContext(policy)
	if err != nil {
		return false, err
	}
	defer policies.Destroy()
	reference, err := docker.ParseReference("//" + name)
	if err != nil {
		return false, err
	}
	ctx := context.Background()
	system := &types.SystemContext{
		RegistriesDirPath:           registries,
		SystemRegistriesConfPath:    os.DevNull,
		SystemRegistriesConfDirPath: os.DevNull,
		DockerInsecureSkipTLSVerify: types.OptionalBoolTrue,
	}
	source, err := reference.NewImageSource(ctx, system)
	if err != nil {
		return false, err
	}
	defer source.Close()
	return policies.IsRunningImageAllowed(ctx, image.UnparsedInstance(source, nil))
}

func fail(why string) {
	fmt.Fprintln(os.Stderr, why)
	os.Exit(2)
}
