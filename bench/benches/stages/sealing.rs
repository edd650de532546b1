//! Sealing and opening, and the keys for it.

use std::hint::black_box;

use bench::Counting;
use criterion::{Criterion, Throughput};
use sealed_format::{
    CustomerKey, HolderKey, HolderKind, KeyHeaders, Md5Rule, ObjectContext, ObjectSecrets,
    PartOpener, PartSealer, layout, unwrap, wrap,
};

const BODY: [u8; 16] = [3; 16];
const CHUNK_BYTES: usize = layout::CHUNK_BYTES;
const SEALED_CHUNK_BYTES: usize = layout::SEALED_CHUNK_BYTES;

/// All stages of this module.
pub(crate) fn measure(criterion: &mut Criterion) {
    key_headers(criterion);
    keys(criterion);
    for (name, chunks) in [("64 KiB", 4), ("1 MiB", 64)] {
        chunks_sealed(criterion, name, chunks);
        chunks_opened(criterion, name, chunks);
    }
}

/// The trio from text to a key, its MD5 checked.
fn key_headers(criterion: &mut Criterion) {
    let [algorithm, key, md5] = bench::TRIO.map(|(_, value)| Some(value.as_bytes()));
    let headers = KeyHeaders { algorithm, key, md5 };
    criterion.bench_function("key headers", |bencher| {
        bencher.iter(|| black_box(&headers).parse(Md5Rule::Required));
    });
}

/// From the customer's key to a version's secrets, and from those to its part's cipher.
fn keys(criterion: &mut Criterion) {
    let key = CustomerKey::filled_by(|key| key.fill(7));
    let secrets = ObjectSecrets::generate(&Counting::default());
    let envelope = wrap(HolderKey::Customer(&key), &context(), &secrets, &Counting::default());
    criterion.bench_function("key schedule: envelope", |bencher| {
        bencher.iter(|| unwrap(HolderKey::Customer(black_box(&key)), &context(), &envelope));
    });
    let header = *PartSealer::new(&secrets.data, &BODY, 1, &Counting::default()).header();
    criterion.bench_function("key schedule: part", |bencher| {
        bencher.iter(|| PartOpener::new(black_box(&secrets.data), &BODY, 1, &header, 1 << 20));
    });
}

fn chunks_sealed(criterion: &mut Criterion, name: &str, chunks: usize) {
    let secrets = ObjectSecrets::generate(&Counting::default());
    let mut sealer = PartSealer::new(&secrets.data, &BODY, 1, &Counting::default());
    let plain = vec![0x5a; chunks * CHUNK_BYTES];
    let mut sealed = vec![0; chunks * SEALED_CHUNK_BYTES];
    let mut group = criterion.benchmark_group("seal");
    group.throughput(Throughput::Bytes((chunks * CHUNK_BYTES) as u64));
    group.bench_function(name, |bencher| {
        bencher.iter(|| {
            let out = sealed.chunks_exact_mut(SEALED_CHUNK_BYTES);
            for (plain, out) in plain.chunks_exact(CHUNK_BYTES).zip(out) {
                sealer.seal_chunk(black_box(plain), out);
            }
        });
    });
    group.finish();
}

fn chunks_opened(criterion: &mut Criterion, name: &str, chunks: usize) {
    let secrets = ObjectSecrets::generate(&Counting::default());
    let mut sealer = PartSealer::new(&secrets.data, &BODY, 1, &Counting::default());
    let header = *sealer.header();
    let mut sealed = vec![0; chunks * SEALED_CHUNK_BYTES];
    for out in sealed.chunks_exact_mut(SEALED_CHUNK_BYTES) {
        sealer.seal_chunk(&[0x5a; CHUNK_BYTES], out);
    }
    let length = (chunks * CHUNK_BYTES) as u64;
    let opener = PartOpener::new(&secrets.data, &BODY, 1, &header, length);
    let opener = opener.expect("the header is the sealer's");
    let mut plain = vec![0; chunks * CHUNK_BYTES];
    let mut group = criterion.benchmark_group("open");
    group.throughput(Throughput::Bytes(length));
    group.bench_function(name, |bencher| {
        bencher.iter(|| {
            let out = plain.chunks_exact_mut(CHUNK_BYTES);
            for ((index, sealed), out) in
                (0..).zip(sealed.chunks_exact(SEALED_CHUNK_BYTES)).zip(out)
            {
                opener.open_chunk(index, black_box(sealed), out).expect("it was sealed so");
            }
        });
    });
    group.finish();
}

fn context() -> ObjectContext<'static> {
    ObjectContext {
        holder: HolderKind::Customer,
        bucket_uid: &[1; 16],
        object_key: "small/000001",
        version_uid: &[2; 16],
        body_id: &BODY,
    }
}
