// LIBRARY=go-oidc or LIBRARY=keyfunc: HTTP around it.
package main

import (
	"context"
	"log"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/MicahParks/keyfunc/v3"
	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/golang-jwt/jwt/v5"
)

func goOidc() func(string) error {
	keys := oidc.NewRemoteKeySet(context.Background(), os.Getenv("JWKS"))
	verifier := oidc.NewVerifier(os.Getenv("ISSUER"), keys, &oidc.Config{
		ClientID:             os.Getenv("AUDIENCE"),
		SupportedSigningAlgs: []string{"ES256"},
	})
	return func(token string) error {
		_, err := verifier.Verify(context.Background(), token)
		return err
	}
}

func keyFunc() func(string) error {
	seconds, err := strconv.Atoi(os.Getenv("CACHE"))
	if err != nil {
		log.Fatal(err)
	}
	keys, err := keyfunc.NewDefaultOverrideCtx(context.Background(),
		[]string{os.Getenv("JWKS")},
		keyfunc.Override{RefreshInterval: time.Duration(seconds) * time.Second})
	if err != nil {
		log.Fatal(err)
	}
	return func(token string) error {
		_, err := jwt.Parse(token, keys.Keyfunc,
			jwt.WithIssuer(os.Getenv("ISSUER")),
			jwt.WithAudience(os.Getenv("AUDIENCE")),
			jwt.WithValidMethods([]string{"ES256"}))
		return err
	}
}

func main() {
	verify := goOidc()
	if os.Getenv("LIBRARY") == "keyfunc" {
		verify = keyFunc()
	}
	answer := func(w http.ResponseWriter, r *http.Request) {
		token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
		if err := verify(token); err != nil {
			log.Print(err)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	}
	log.Fatal(http.ListenAndServe("127.0.0.1:"+os.Getenv("PORT"),
		http.HandlerFunc(answer)))
}
