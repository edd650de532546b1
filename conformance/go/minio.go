package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/minio/minio-go/v7"
	credential "github.com/minio/minio-go/v7/pkg/credentials"
	"github.com/minio/minio-go/v7/pkg/encrypt"
)

const minioBucket = "minio-go-lane"

func minioGo(ctx context.Context) {
	client, err := minio.New(strings.TrimPrefix(os.Getenv("ENDPOINT"), "https://"), &minio.Options{
		Creds:  credential.NewStaticV4(os.Getenv("AWS_ACCESS_KEY_ID"), os.Getenv("AWS_SECRET_ACCESS_KEY"), ""),
		Secure: true, Region: os.Getenv("REGION"), MaxRetries: 1,
	})
	must(err)
	must(client.MakeBucket(ctx, minioBucket, minio.MakeBucketOptions{}))
	key, err := encrypt.NewSSEC(random(32))
	must(err)
	other, err := encrypt.NewSSEC(random(32))
	must(err)
	for _, size := range []int{0, small, 2*part + 9} {
		check(fmt.Sprintf("minio-go, %d bytes, put, stat and get", size), func() error {
			body, name := random(size), fmt.Sprint(size)
			options := minio.PutObjectOptions{ServerSideEncryption: key, PartSize: part}
			put, err := client.PutObject(ctx, minioBucket, name, bytes.NewReader(body), int64(size), options)
			if err != nil {
				return err
			}
			stat, err := client.StatObject(ctx, minioBucket, name, minio.StatObjectOptions{ServerSideEncryption: key})
			if err != nil {
				return err
			}
			if stat.Size != int64(size) || stat.ETag != put.ETag {
				return fmt.Errorf("stat answers otherwise than put")
			}
			got, err := client.GetObject(ctx, minioBucket, name, minio.GetObjectOptions{ServerSideEncryption: key})
			if err != nil {
				return err
			}
			return same(got, body)
		})
	}
	check("minio-go, stat without a key is 400, with a wrong one 403", func() error {
		for wanted, options := range map[int]minio.StatObjectOptions{400: {}, 403: {ServerSideEncryption: other}} {
			_, err := client.StatObject(ctx, minioBucket, fmt.Sprint(small), options)
			if got := minio.ToErrorResponse(err).StatusCode; got != wanted {
				return fmt.Errorf("wanted %d, got %v", wanted, err)
			}
		}
		return nil
	})
	check("minio-go, copy under another key", func() error {
		_, err := client.CopyObject(ctx, minio.CopyDestOptions{Bucket: minioBucket, Object: "copy", Encryption: other},
			minio.CopySrcOptions{Bucket: minioBucket, Object: fmt.Sprint(small), Encryption: encrypt.SSECopy(key)})
		return err
	})
}
