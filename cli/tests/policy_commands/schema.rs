//! `policy schema`: one JSON document a kind. That the documents are right is tested where the readers are.

use serde_json::Value;

use super::stage::Stage;

#[test]
fn schema_of_each_kind_is_printed() {
    let stage = Stage::set_up();
    for kind in ["ClusterImagePolicy", "ImagePolicy", "TrustRoot", "PolicyTest"] {
        let text = stage.shell(&format!("sealgate policy schema --kind {kind}")).success();
        let schema: Value = serde_json::from_str(&text).expect("is JSON");
        assert_eq!(
            (&schema["title"], &schema["$schema"]),
            (&kind.into(), &"https://json-schema.org/draft/2020-12/schema".into())
        );
    }
    let default = stage.shell("sealgate policy schema").success();
    assert_eq!(default, stage.shell("sealgate policy schema --kind ClusterImagePolicy").success());
    assert_eq!(stage.shell("sealgate policy schema --kind Pod").code, 2);
}
