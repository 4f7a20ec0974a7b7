// cue-oracle answers, line by line, what the CUE module says of a policy and some JSON.
//
// A line in is {"policy": "…", "data": "…"}: CUE text, and JSON as text. A line out is {"ok": true} or {"error": "…"}.
// The policy is taken both ways in which it is taken in the field: compiled from its text, as policy-controller
// does, and loaded from a file, as cosign does. Where only one of them agrees, the answer names it in "only".
//
// There are policies that the evaluator never ends with, or overflows the stack over. On those this program ends
// without an answer; who asks goes on with the next line in a new one.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"time"

	"cuelang.org/go/cue/cuecontext"
	"cuelang.org/go/cue/errors"
	"cuelang.org/go/cue/load"
	cuejson "cuelang.org/go/encoding/json"
)

const patience = 5 * time.Second

type question struct {
	Policy string `json:"policy"`
	Data   string `json:"data"`
}

type answer struct {
	OK    bool   `json:"ok"`
	Only  string `json:"only,omitempty"`
	Error string `json:"error,omitempty"`
}

func main() {
	debug.SetMaxStack(64 << 20)
	dir, err := os.MkdirTemp("", "cue-oracle")
	if err != nil {
		fail(err)
	}
	defer os.RemoveAll(dir)
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 16<<20)
	out := json.NewEncoder(os.Stdout)
	out.SetEscapeHTML(false)
	for in.Scan() {
		var q question
		if err := json.Unmarshal(in.Bytes(), &q); err != nil {
			fail(err)
		}
		late := time.AfterFunc(patience, func() { os.Exit(1) })
		a := judge(q, dir)
		late.Stop()
		if err := out.Encode(a); err != nil {
			fail(err)
		}
	}
	if err := in.Err(); err != nil {
		fail(err)
	}
}

func judge(q question, dir string) answer {
	compiled := guarded(func() error { return compiledFromText(q) })
	loaded := guarded(func() error { return loadedFromFile(q, filepath.Join(dir, "policy.cue")) })
	switch {
	case compiled == nil && loaded == nil:
		return answer{OK: true}
	case compiled == nil:
		return answer{Only: "text", Error: words(loaded)}
	case loaded == nil:
		return answer{Only: "file", Error: words(compiled)}
	}
	return answer{Error: words(compiled)}
}

func compiledFromText(q question) error {
	value := cuecontext.New().CompileString(q.Policy)
	if err := value.Err(); err != nil {
		return err
	}
	return cuejson.Validate([]byte(q.Data), value)
}

func loadedFromFile(q question, path string) error {
	if err := os.WriteFile(path, []byte(q.Policy), 0o600); err != nil {
		fail(err)
	}
	context := cuecontext.New()
	for _, instance := range load.Instances([]string{path}, nil) {
		if instance.Err != nil {
			return instance.Err
		}
		value := context.BuildInstance(instance)
		if err := value.Err(); err != nil {
			return err
		}
		if err := cuejson.Validate([]byte(q.Data), value); err != nil {
			return err
		}
	}
	return nil
}

// A policy over which the evaluator panics is a policy that is not met.
func guarded(judge func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v", r)
		}
	}()
	return judge()
}

func words(err error) string {
	text := errors.Details(err, nil)
	if len(text) > 600 {
		text = text[:600]
	}
	return text
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "cue-oracle:", err)
	os.Exit(1)
}
