package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"strings"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

const bucket = "aws-sdk-go-lane"

type credentials struct{}

func (credentials) Retrieve(context.Context) (sdk.Credentials, error) {
	return sdk.Credentials{AccessKeyID: os.Getenv("AWS_ACCESS_KEY_ID"), SecretAccessKey: os.Getenv("AWS_SECRET_ACCESS_KEY")}, nil
}

func connect() *s3.Client {
	return s3.New(s3.Options{
		BaseEndpoint: sdk.String(os.Getenv("ENDPOINT")), Region: os.Getenv("REGION"), Credentials: credentials{},
		UsePathStyle: true, Retryer: sdk.NopRetryer{},
	})
}

func aws(ctx context.Context) {
	client := connect()
	_, err := client.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: sdk.String(bucket)})
	must(err)
	raw, other := random(32), random(32)
	objects(ctx, client, raw, other)
	multipart(ctx, client, raw)
	presigned(ctx, client, raw, other)
}

func get(ctx context.Context, client *s3.Client, name string, key []byte) (*s3.GetObjectOutput, error) {
	input := &s3.GetObjectInput{Bucket: sdk.String(bucket), Key: sdk.String(name)}
	if key != nil {
		text, sum := encoded(key)
		input.SSECustomerAlgorithm, input.SSECustomerKey, input.SSECustomerKeyMD5 = sdk.String("AES256"), &text, &sum
		input.ChecksumMode = types.ChecksumModeEnabled
	}
	return client.GetObject(ctx, input)
}

func objects(ctx context.Context, client *s3.Client, key, other []byte) {
	text, sum := encoded(key)
	for _, size := range []int{0, 1, small} {
		check(fmt.Sprintf("aws-sdk-go-v2, %d bytes, put, head and get with default checksums", size), func() error {
			body, name := random(size), fmt.Sprintf("sealed/%d", size)
			put, err := client.PutObject(ctx, &s3.PutObjectInput{Bucket: sdk.String(bucket), Key: &name, Body: bytes.NewReader(body),
				SSECustomerAlgorithm: sdk.String("AES256"), SSECustomerKey: &text, SSECustomerKeyMD5: &sum})
			if err != nil {
				return err
			}
			head, err := client.HeadObject(ctx, &s3.HeadObjectInput{Bucket: sdk.String(bucket), Key: &name,
				SSECustomerAlgorithm: sdk.String("AES256"), SSECustomerKey: &text, SSECustomerKeyMD5: &sum})
			if err != nil {
				return err
			}
			if *head.ETag != *put.ETag || *head.ContentLength != int64(size) || *head.SSECustomerKeyMD5 != sum {
				return fmt.Errorf("head answers otherwise than put")
			}
			got, err := get(ctx, client, name, key)
			if err != nil {
				return err
			}
			return same(got.Body, body)
		})
	}
	check("aws-sdk-go-v2, no key is 400", func() error {
		_, err := get(ctx, client, "sealed/1", nil)
		return status(err, 400)
	})
	check("aws-sdk-go-v2, a wrong key is 403", func() error {
		_, err := get(ctx, client, "sealed/1", other)
		return status(err, 403)
	})
	check("aws-sdk-go-v2, nothing is 404", func() error {
		_, err := get(ctx, client, "none", key)
		return status(err, 404)
	})
}

func multipart(ctx context.Context, client *s3.Client, key []byte) {
	text, sum := encoded(key)
	check("aws-sdk-go-v2, multipart", func() error {
		created, err := client.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: sdk.String(bucket), Key: sdk.String("parts"),
			SSECustomerAlgorithm: sdk.String("AES256"), SSECustomerKey: &text, SSECustomerKeyMD5: &sum})
		if err != nil {
			return err
		}
		whole, done := random(part+7), []types.CompletedPart{}
		for number, body := range [][]byte{whole[:part], whole[part:]} {
			sent, err := client.UploadPart(ctx, &s3.UploadPartInput{Bucket: sdk.String(bucket), Key: sdk.String("parts"), UploadId: created.UploadId,
				PartNumber: sdk.Int32(int32(number + 1)), Body: bytes.NewReader(body),
				SSECustomerAlgorithm: sdk.String("AES256"), SSECustomerKey: &text, SSECustomerKeyMD5: &sum})
			if err != nil {
				return err
			}
			done = append(done, types.CompletedPart{ETag: sent.ETag, PartNumber: sdk.Int32(int32(number + 1)), ChecksumCRC32: sent.ChecksumCRC32})
		}
		if _, err = client.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{Bucket: sdk.String(bucket), Key: sdk.String("parts"),
			UploadId: created.UploadId, MultipartUpload: &types.CompletedMultipartUpload{Parts: done},
			SSECustomerAlgorithm: sdk.String("AES256"), SSECustomerKey: &text, SSECustomerKeyMD5: &sum}); err != nil {
			return err
		}
		got, err := get(ctx, client, "parts", key)
		if err != nil {
			return err
		}
		return same(got.Body, whole)
	})
}

const keyHeader, sumHeader = "X-Amz-Server-Side-Encryption-Customer-Key", "X-Amz-Server-Side-Encryption-Customer-Key-Md5"

func presigned(ctx context.Context, client *s3.Client, key, other []byte) {
	text, sum := encoded(key)
	unpinned := http.Header{keyHeader: {text}, sumHeader: {sum}}
	otherText, otherSum := encoded(other)
	wrong := http.Header{keyHeader: {otherText}, sumHeader: {otherSum}}
	for name, pinned := range map[string]bool{"the trio": true, "the algorithm alone": false} {
		check("aws-sdk-go-v2, presigned, covering "+name, func() error {
			put := &s3.PutObjectInput{Bucket: sdk.String(bucket), Key: sdk.String("presigned"), SSECustomerAlgorithm: sdk.String("AES256")}
			read := &s3.GetObjectInput{Bucket: sdk.String(bucket), Key: sdk.String("presigned"), SSECustomerAlgorithm: sdk.String("AES256")}
			more := unpinned
			if pinned {
				put.SSECustomerKey, put.SSECustomerKeyMD5, read.SSECustomerKey, read.SSECustomerKeyMD5 = &text, &sum, &text, &sum
				more = nil
			}
			body, signer := random(small), s3.NewPresignClient(client)
			signed, err := signer.PresignPutObject(ctx, put)
			if err != nil {
				return err
			}
			answer, err := fetch("PUT", signed.URL, signed.SignedHeader, more, body)
			if err != nil {
				return err
			}
			if answer.StatusCode != 200 {
				return fmt.Errorf("PUT answered %d", answer.StatusCode)
			}
			if signed, err = signer.PresignGetObject(ctx, read); err != nil {
				return err
			}
			if answer, err = fetch("GET", signed.URL, signed.SignedHeader, more, nil); err != nil {
				return err
			}
			if answer.StatusCode != 200 {
				return fmt.Errorf("GET answered %d", answer.StatusCode)
			}
			if err = same(answer.Body, body); err != nil {
				return err
			}
			if answer, err = fetch("GET", signed.URL, signed.SignedHeader, wrong, nil); err != nil {
				return err
			}
			if answer.StatusCode != 403 {
				return fmt.Errorf("GET under another key answered %d", answer.StatusCode)
			}
			// What the URL pins must come with it; what it leaves open, S3 asks for.
			without, wanted := signed.SignedHeader.Clone(), 400
			for name := range without {
				if strings.EqualFold(name, keyHeader) || strings.EqualFold(name, sumHeader) {
					delete(without, name)
				}
			}
			if pinned {
				wanted = 403
			}
			if answer, err = fetch("GET", signed.URL, without, nil, nil); err != nil {
				return err
			}
			if answer.StatusCode != wanted {
				return fmt.Errorf("GET without the key answered %d", answer.StatusCode)
			}
			return nil
		})
	}
}
