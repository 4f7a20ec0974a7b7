// etcd, the store behind the API server, as its own module runs it: `go install` refuses the
// upstream one for its replace directives.
package main

import (
	"os"

	"go.etcd.io/etcd/server/v3/etcdmain"
)

func main() {
	etcdmain.Main(os.Args)
}
