// Rego-oracle says what OPA makes of policies, with cosign's contract for them.
//
// One JSON object a line on standard input, {"policy": text, "input": value, "query": name}, one answer a line on
// standard output: {"ok": true}, {"denied": message, "warning": message} where the policy was evaluated, {"error":
// message} where it could not be. The query is "isCompliant", that of ClusterImagePolicy and the default, or "allow",
// that of `cosign verify-attestation`. The language, the query, and what is done with the result are those of
// pkg/cosign/rego of cosign 3.0.5, which policy-controller 0.15.1 calls. OPA reads clocks and networks as it likes.
package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
)

type question struct {
	Policy string          `json:"policy"`
	Input  json.RawMessage `json:"input"`
	Query  string          `json:"query"`
}

type answer struct {
	OK      bool   `json:"ok,omitempty"`
	Denied  string `json:"denied,omitempty"`
	Warning string `json:"warning,omitempty"`
	Error   string `json:"error,omitempty"`
}

type ruleResult struct {
	Warning string `json:"warning,omitempty"`
	Error   string `json:"error,omitempty"`
	Result  bool   `json:"result,omitempty"`
}

func main() {
	in := bufio.NewReader(os.Stdin)
	out := json.NewEncoder(os.Stdout)
	for {
		line, err := in.ReadBytes('\n')
		if len(line) > 0 {
			if err := out.Encode(answerTo(line)); err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(1)
			}
		}
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}

func answerTo(line []byte) (result answer) {
	defer func() {
		if r := recover(); r != nil {
			result = answer{Error: fmt.Sprintf("panic: %v", r)}
		}
	}()
	var q question
	if err := json.Unmarshal(line, &q); err != nil {
		return answer{Error: err.Error()}
	}
	query, module := "isCompliant = data.sigstore.isCompliant", "sigstore.rego"
	if q.Query == "allow" {
		query, module = "data.signature.allow", "policy.rego"
	}
	results, err := evaluate(query, module, q)
	if err != nil {
		return answer{Error: err.Error()}
	}
	if q.Query == "allow" {
		return allowed(results)
	}
	return compliant(query, results)
}

func evaluate(query, module string, q question) (rego.ResultSet, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	prepared, err := rego.New(
		rego.Query(query),
		rego.Module(module, q.Policy),
		rego.SetRegoVersion(ast.RegoV0),
	).PrepareForEval(ctx)
	if err != nil {
		return nil, err
	}
	var input any
	decoder := json.NewDecoder(bytes.NewReader(q.Input))
	decoder.UseNumber()
	if err := decoder.Decode(&input); err != nil {
		return nil, err
	}
	return prepared.Eval(ctx, rego.EvalInput(input))
}

func allowed(results rego.ResultSet) answer {
	if results.Allowed() {
		return answer{OK: true}
	}
	if len(results) == 0 {
		return answer{Denied: "result is undefined for query 'data.signature.allow'"}
	}
	return answer{Denied: fmt.Sprintf("expression value, %v, is not true", results[0].Expressions[0])}
}

func compliant(query string, results rego.ResultSet) answer {
	for _, result := range results {
		switch response := result.Bindings["isCompliant"].(type) {
		case []any:
			return extended(query, response)
		case bool:
			if response {
				return answer{OK: true}
			}
		}
	}
	return answer{Denied: fmt.Sprintf("policy is not compliant for query '%s'", query)}
}

func extended(query string, response []any) answer {
	last := answer{Denied: fmt.Sprintf("policy is not compliant for query %q", query)}
	for _, r := range response {
		text, err := json.Marshal(r.(map[string]any))
		if err != nil {
			return answer{Error: err.Error()}
		}
		var rule ruleResult
		if err := json.Unmarshal(text, &rule); err != nil {
			return answer{Denied: fmt.Sprintf("policy is not compliant for query '%s' due to parsing errors: %s", query, err)}
		}
		if rule.Result {
			if rule.Warning == "" {
				return answer{OK: true}
			}
			return answer{OK: true, Warning: "warning: " + rule.Warning}
		}
		last = answer{
			Denied:  fmt.Sprintf("policy is not compliant for query '%s' with errors: %s", query, rule.Error),
			Warning: rule.Warning,
		}
	}
	return last
}
