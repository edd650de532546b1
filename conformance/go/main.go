// The AWS SDK for Go v2 and minio-go with their defaults against one server.
// Prints `ok NAME` or `FAIL NAME: why` a check. Trusts SSL_CERT_FILE; reads ENDPOINT, REGION and the AWS_ variables.
package main

import (
	"bytes"
	"context"
	"crypto/md5"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
)

const small, part = 100_000, 5 << 20

var failed bool

func check(name string, body func() error) {
	if err := body(); err != nil {
		failed = true
		fmt.Printf("FAIL %s: %s\n", name, strings.ReplaceAll(err.Error(), "\n", " "))
		return
	}
	fmt.Printf("ok %s\n", name)
}

func random(size int) []byte {
	data := make([]byte, size)
	_, err := rand.Read(data)
	must(err)
	return data
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func same(body io.ReadCloser, wanted []byte) error {
	defer body.Close()
	got, err := io.ReadAll(body)
	if err == nil && !bytes.Equal(got, wanted) {
		err = fmt.Errorf("other bytes: %d for %d", len(got), len(wanted))
	}
	return err
}

// status tells whether an error carries this HTTP status.
func status(err error, wanted int) error {
	var answered interface{ HTTPStatusCode() int }
	if errors.As(err, &answered) && answered.HTTPStatusCode() == wanted {
		return nil
	}
	return fmt.Errorf("wanted %d, got %v", wanted, err)
}

func encoded(key []byte) (string, string) {
	sum := md5.Sum(key)
	return base64.StdEncoding.EncodeToString(key), base64.StdEncoding.EncodeToString(sum[:])
}

// fetch uses a presigned URL with the headers that it covers and `more`.
func fetch(method, url string, covered, more http.Header, body []byte) (*http.Response, error) {
	request, err := http.NewRequest(method, url, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	for _, headers := range []http.Header{covered, more} {
		for name, values := range headers {
			if !strings.EqualFold(name, "host") {
				request.Header[http.CanonicalHeaderKey(name)] = values
			}
		}
	}
	return http.DefaultClient.Do(request)
}

func main() {
	ctx := context.Background()
	aws(ctx)
	minioGo(ctx)
	if failed {
		os.Exit(1)
	}
}
