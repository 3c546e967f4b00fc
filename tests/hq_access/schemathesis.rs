//! The API against its own document: schemathesis sends what it allows and what it does not. `scripts/schemathesis` runs this.

use crate::support::{As, Hq, free};
use footfall::hq::access::{PlaceName, Role, csrf_of};
use footfall::hq::api;
use std::path::Path;
use std::process::Command;

/// Requests for each operation and phase: enough to try the limits of every field.
const EXAMPLES: &str = "12";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs schemathesis; scripts/schemathesis installs it and runs this"]
async fn every_answer_is_one_that_the_document_lists() {
    let project = Path::new(env!("CARGO_MANIFEST_DIR"));
    let hq = Hq::start(free()).await;
    hq.account("owner", Role::Admin, ("acme", PlaceName::Chain));
    let As::Cookie(cookie) = hq.cookie("owner") else { panic!("a cookie") };
    let folder = tempfile::tempdir().expect("a folder");
    let document = folder.path().join("openapi.json");
    std::fs::write(&document, serde_json::to_vec(&api::document()).expect("JSON")).expect("a document");
    let base = format!("http://{}", hq.address);
    let mut command = Command::new(project.join("build/schemathesis/bin/schemathesis"));
    command.current_dir(folder.path()).arg("run").arg(&document).args(["--url", &base]);
    command.args(["-H", &format!("cookie: footfall={cookie}")]);
    command.args(["-H", &format!("x-csrf-token: {}", csrf_of(&cookie)), "-H", &format!("origin: {base}")]);
    command.args(["--generation-deterministic", "-n", EXAMPLES]);
    command.args(["--phases", "examples,coverage,fuzzing", "--continue-on-failure", "--no-color"]);
    command.args(["--generation-with-security-parameters", "false", "--warnings", "off"]);
    let checks =
        "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance";
    command.args(["--checks", checks, "--request-timeout", "30"]);
    // The first ends the session that asks, the second never ends.
    command.args(["--exclude-path", "/api/v1/session", "--exclude-path", "/api/v1/live"]);
    let ended = tokio::task::spawn_blocking(move || command.status()).await.expect("a thread");
    let ended = ended.expect("schemathesis is there; scripts/schemathesis installs it");
    assert!(ended.success(), "what schemathesis says stands above");
}
