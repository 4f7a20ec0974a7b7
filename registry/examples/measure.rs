//! t
use std::time::Instant;
use oci::*;
use registry::*;
fn main() {
    let args: Vec<String> = std::env::args().collect();
    let t = Instant::now();
    let rt = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    rt.block_on(async {
        if args[1] == "serve" {
            let store = std::sync::Arc::new(());
            let _ = store;
            let listener = tokio::net::TcpListener::bind("127.0.0.1:5999").await.unwrap();
            let layer = Descriptor::of(media_type::SIMPLE_SIGNING, b"{}");
            let config = Descriptor::of(media_type::OCI_CONFIG, b"{}");
            let m = |l: Vec<Descriptor>| serde_json::json!({"schemaVersion":2,"mediaType":media_type::OCI_MANIFEST,"config":config,"layers":l}).to_string();
            let (sig, img) = (m(vec![layer]), m(vec![]));
            let app = axum::Router::new().fallback(move |r: axum::extract::Request| {
                let (sig, img) = (sig.clone(), img.clone());
                async move {
                    let p = r.uri().path().to_owned();
                    let (ct, b) = if p.ends_with(".sig") { (media_type::OCI_MANIFEST, sig) } else if p.contains("referrers") { (media_type::OCI_INDEX, r#"{"schemaVersion":2,"manifests":[]}"#.to_owned()) } else if p.contains("blobs") { ("x", "{}".into()) } else { (media_type::OCI_MANIFEST, img) };
                    axum::response::Response::builder().header("content-type", ct).body(axum::body::Body::from(b)).unwrap()
                }
            });
            axum::serve(listener, app).await.unwrap();
        }
        let client = Client::new(Settings::default()).unwrap();
        let t1 = t.elapsed();
        let image: ImageRef = "127.0.0.1:5999/a:v1".parse().unwrap();
        let r = client.resolve(&image).await.unwrap().found().unwrap();
        let t2 = t.elapsed();
        let d = client.discover(&r.pinned, r.pinned.repository()).await;
        let t3 = t.elapsed();
        let s = std::fs::read_to_string("/proc/self/status").unwrap();
        let g = |k: &str| s.lines().find(|l| l.starts_with(k)).unwrap().to_owned();
        println!("{} sigs; new {t1:?} resolve {t2:?} discover {t3:?} {} {}", d.found.signatures.len(), g("VmHWM"), g("Threads"));
    });
}
