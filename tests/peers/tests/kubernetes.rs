//! The API server takes objects, refuses bad ones, and etcd holds what it took.

mod leftovers;

use peers::Kubernetes;

#[test]
fn api_server_stores_a_good_pod_and_refuses_a_bad_one() {
    peers::require!("etcd", "kube-apiserver", "kubectl");
    let cluster = Kubernetes::start();
    let image = "127.0.0.1:5000/shop/cart@sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";
    cluster.kubectl(["run", "good", "--image", image]).success();
    let stored = cluster.etcd_get("/registry/pods/default/good").expect("the pod is stored");
    assert!(stored.contains(image));
    assert!(!stored.contains("another-image"));

    let error = cluster.kubectl_stdin(["apply", "-f", "-"], POD_WITHOUT_CONTAINERS).failure(1);
    assert!(error.contains("spec.containers: Required value"), "{error}");
    assert_eq!(cluster.etcd_get("/registry/pods/default/bad"), None);

    assert!(cluster.ca_dir().join("ca.crt").is_file());
    let folder = cluster.ca_dir().to_owned();
    drop(cluster);
    leftovers::assert_none(&folder);
}

const POD_WITHOUT_CONTAINERS: &str = r#"{"apiVersion":"v1","kind":"Pod","metadata":{"name":"bad"},"spec":{}}"#;
