//! The objects that images run in, and those that policies refer to.

pub(crate) const SECRET: &str = "\
apiVersion: v1
kind: Secret
metadata: {name: cip-secret, namespace: cosign-system}
data: {cosign.pub: KEY}
";
pub(crate) const CONDITION_OF_USER: &str = "\
apiVersion: v1
kind: ConfigMap
metadata: {name: policy-config, namespace: cosign-system}
data:
  policy: |
    config: \"linux/amd64\": config: User: \"65532\"
";
pub(crate) const CONDITION_OF_ROOT: &str = "\
apiVersion: v1
kind: ConfigMap
metadata: {name: policy-config, namespace: cosign-system}
data:
  policy: |
    config: \"linux/amd64\": config: User: \"0\"
";
pub(crate) const POD: &str = "\
apiVersion: v1
kind: Pod
metadata: {name: demo, labels: {match: match, foo: baz}}
spec:
  serviceAccount: default
  containers: [{name: demo, image: \"IMAGE\"}]
";
pub(crate) const OTHER_POD: &str = "\
apiVersion: v1
kind: Pod
metadata: {name: demo, labels: {match: other}}
spec:
  containers: [{name: demo, image: \"IMAGE\"}]
";
/// Its labels and its `spec` are its own, and not those of its pods. The second one is odd and yet as written.
pub(crate) const DEPLOYMENT: &str = "\
apiVersion: apps/v1
kind: Deployment
metadata: {name: demo, labels: {match: match, foo: bar}}
spec:
  serviceAccount: non-default
  template:
    metadata: {labels: {match: match, foo: baz}}
    spec:
      serviceAccount: default
      containers: [{name: demo, image: \"IMAGE\"}]
";
