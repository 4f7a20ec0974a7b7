// registry-refs is an in-memory registry with the OCI referrers API, which neither Debian's registry
// nor go-containerregistry's own commands offer. For tests on loopback: it keeps nothing, and its
// access log says "METHOD URL STATUS AGENT", one line a request.
package main

import (
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/registry"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:5000", "address to listen on; port 0 takes a free one")
	referrers := flag.Bool("referrers", true, "serve the referrers API")
	spec := flag.Bool("spec", false, "answer referrers as distribution-spec 1.1 says: OCI-Subject, true artifactType, filter, paging")
	page := flag.Int("page", 0, "with -spec: this many referrers an answer, the rest behind Link headers; 0 for all at once")
	latency := flag.Duration("latency", 0, "wait this long before each answer")
	basic := flag.String("basic", "", "user:password to ask for")
	cert := flag.String("cert", "", "certificate file; with -key serves https")
	key := flag.String("key", "", "private key file")
	logFile := flag.String("log", "", "access log file (default: standard error)")
	flag.Parse()

	handler := registry.New(registry.WithReferrersSupport(*referrers), registry.Logger(log.New(io.Discard, "", 0)))
	if *spec {
		handler = asSpecified(handler, *referrers, *page)
	}
	if *basic != "" {
		handler = withPassword(handler, *basic)
	}
	handler = withLog(withLatency(handler, *latency), openLog(*logFile))

	listener, err := net.Listen("tcp", *addr)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("listening %s\n", listener.Addr())
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 5 * time.Second, ErrorLog: log.New(io.Discard, "", 0)}
	if *cert != "" {
		log.Fatal(server.ServeTLS(listener, *cert, *key))
	}
	log.Fatal(server.Serve(listener))
}

func openLog(path string) *log.Logger {
	if path == "" {
		return log.New(os.Stderr, "", 0)
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		log.Fatal(err)
	}
	return log.New(file, "", 0)
}

func withLog(next http.Handler, lines *log.Logger) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		agent, _, _ := strings.Cut(r.UserAgent(), " ")
		request := fmt.Sprintf("%s %s", r.Method, r.URL)
		answer := &logged{ResponseWriter: w, line: func(status int) { lines.Printf("%s %d %s", request, status, agent) }}
		next.ServeHTTP(answer, r)
		if !answer.done {
			answer.WriteHeader(http.StatusOK)
		}
	})
}

func withLatency(next http.Handler, latency time.Duration) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(latency)
		next.ServeHTTP(w, r)
	})
}

func withPassword(next http.Handler, wanted string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, password, ok := r.BasicAuth()
		if !ok || user+":"+password != wanted {
			w.Header().Set("WWW-Authenticate", `Basic realm="registry-refs"`)
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusUnauthorized)
			io.WriteString(w, `{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}`)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// logged writes the line before the answer leaves: a client that has its answer finds its line.
type logged struct {
	http.ResponseWriter
	line func(status int)
	done bool
}

func (l *logged) WriteHeader(status int) {
	if !l.done {
		l.done = true
		l.line(status)
	}
	l.ResponseWriter.WriteHeader(status)
}

func (l *logged) Write(b []byte) (int, error) {
	if !l.done {
		l.WriteHeader(http.StatusOK)
	}
	return l.ResponseWriter.Write(b)
}
