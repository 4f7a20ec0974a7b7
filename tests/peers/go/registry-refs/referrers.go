package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"

	"github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// asSpecified puts distribution-spec 1.1 over a registry that gives the config's media type as the
// artifact type, answers no OCI-Subject, does not filter and does not page.
func asSpecified(inner http.Handler, referrers bool, page int) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		repository, subject, isReferrers := strings.Cut(r.URL.Path, "/referrers/")
		switch {
		case r.Method == http.MethodPut && strings.Contains(r.URL.Path, "/manifests/"):
			putManifest(inner, w, r)
		case r.Method == http.MethodGet && isReferrers && referrers:
			listReferrers(inner, w, r, repository, subject, page)
		default:
			inner.ServeHTTP(w, r)
		}
	})
}

// putManifest says in OCI-Subject that the manifest was entered among its subject's referrers.
func putManifest(inner http.Handler, w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	var manifest struct{ Subject *v1.Descriptor }
	if json.Unmarshal(body, &manifest) == nil && manifest.Subject != nil {
		w.Header().Set("OCI-Subject", manifest.Subject.Digest.String())
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	inner.ServeHTTP(w, r)
}

// listReferrers answers 200 with a list, an empty one too for a subject nobody has heard of.
func listReferrers(inner http.Handler, w http.ResponseWriter, r *http.Request, repository, subject string, page int) {
	index := v1.IndexManifest{SchemaVersion: 2, MediaType: types.OCIImageIndex, Manifests: []v1.Descriptor{}}
	answer := get(inner, repository+"/referrers/"+subject)
	if answer.Code == http.StatusOK {
		if err := json.Unmarshal(answer.Body.Bytes(), &index); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
	}
	for i := range index.Manifests {
		entry := &index.Manifests[i]
		entry.ArtifactType = artifactType(inner, repository, entry.Digest)
	}
	if wanted := r.URL.Query().Get("artifactType"); wanted != "" {
		index.Manifests = slices.DeleteFunc(index.Manifests, func(d v1.Descriptor) bool { return d.ArtifactType != wanted })
		w.Header().Set("OCI-Filters-Applied", "artifactType")
	}
	// One order for every page, or they would overlap.
	slices.SortFunc(index.Manifests, func(a, b v1.Descriptor) int { return strings.Compare(a.Digest.String(), b.Digest.String()) })
	if page > 0 {
		index.Manifests = onePage(w, r, index.Manifests, page)
	}
	w.Header().Set("Content-Type", string(types.OCIImageIndex))
	json.NewEncoder(w).Encode(index)
}

// artifactType is the manifest's own, else its config's media type.
func artifactType(inner http.Handler, repository string, digest v1.Hash) string {
	var manifest struct {
		ArtifactType string        `json:"artifactType"`
		Config       v1.Descriptor `json:"config"`
	}
	if json.Unmarshal(get(inner, repository+"/manifests/"+digest.String()).Body.Bytes(), &manifest) != nil {
		return ""
	}
	if manifest.ArtifactType == "" {
		return string(manifest.Config.MediaType)
	}
	return manifest.ArtifactType
}

// onePage cuts the list at ?from= and points at the rest in a Link header.
func onePage(w http.ResponseWriter, r *http.Request, all []v1.Descriptor, size int) []v1.Descriptor {
	query := r.URL.Query()
	from, _ := strconv.Atoi(query.Get("from"))
	from = min(max(from, 0), len(all))
	to := min(from+size, len(all))
	if to < len(all) {
		query.Set("from", strconv.Itoa(to))
		w.Header().Set("Link", fmt.Sprintf(`<%s?%s>; rel="next"`, r.URL.Path, query.Encode()))
	}
	return all[from:to]
}

func get(inner http.Handler, path string) *httptest.ResponseRecorder {
	answer := httptest.NewRecorder()
	inner.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, path, nil))
	return answer
}
