//! Who gets what of head office: every door, held against the real router over a real database.
#![cfg(feature = "hq")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod fleet;
mod oidc;
mod schemathesis;
mod support;

use footfall::hq::access::{NewGrant, PlaceName, Role, TokenScope};
use footfall::hq::api;
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;
use support::{Answer, As, Hq, PASSWORD, answer, free};

const BERLIN: (&str, &str) = ("acme", "berlin");

fn store(name: &str) -> PlaceName {
    PlaceName::Store(name.to_owned())
}

/// A head office with a manager and a viewer of Berlin, and administrators of both chains.
async fn hq() -> Hq {
    let hq = Hq::start(free()).await;
    hq.account("manager", Role::Manager, (BERLIN.0, store(BERLIN.1)));
    hq.account("viewer", Role::Viewer, (BERLIN.0, store(BERLIN.1)));
    hq.account("owner", Role::Admin, ("acme", PlaceName::Chain));
    hq.account("stranger-geheim", Role::Admin, ("globex-geheim", PlaceName::Chain));
    hq
}

async fn sign_in(hq: &Hq, name: &str, password: &str) -> Answer {
    hq.send(&As::Nobody, Method::POST, ("/api/v1/session", json!({"name": name, "password": password}))).await
}

fn cookie_of(answer: &Answer) -> As {
    let cookie = answer.header("set-cookie").split(';').next().unwrap_or_default();
    As::Cookie(cookie.strip_prefix("footfall=").expect("a cookie").to_owned())
}

// Every route, and what is not one's own.

/// One operation of the document.
struct Route {
    method: Method,
    path: String,
    operation: Value,
}

fn routes() -> Vec<Route> {
    let document = serde_json::to_value(api::document()).unwrap();
    let paths = document["paths"].as_object().unwrap();
    let of_path = |(path, item): (&String, &Value)| {
        let operations = item.as_object().unwrap().iter();
        let route = |(method, operation): (&String, &Value)| Route {
            method: method.to_uppercase().parse().unwrap(),
            path: path.clone(),
            operation: operation.clone(),
        };
        operations.map(route).collect::<Vec<_>>()
    };
    paths.iter().flat_map(of_path).collect()
}

impl Route {
    fn is_open(&self) -> bool {
        self.operation["security"] == json!([{}])
    }

    /// The address, with everything that may name a store naming this one.
    fn about(&self, (tenant, store): (&str, &str), number: i64) -> String {
        let of = |name: &str| match name {
            "tenant" => tenant.to_owned(),
            "store" => store.to_owned(),
            "stores" => format!("{tenant}/{store}"),
            "day" | "from" | "to" | "changed" => "2026-09-07".to_owned(),
            "account" => "stranger-geheim".to_owned(),
            "box" | "camera" | "zone" | "line" => "door".to_owned(),
            _ => number.to_string(),
        };
        let mut path = self.path.clone();
        let mut query = Vec::new();
        for parameter in self.operation["parameters"].as_array().unwrap_or(&Vec::new()) {
            let name = parameter["name"].as_str().unwrap();
            let value = enumerated(parameter).unwrap_or_else(|| of(name));
            match parameter["in"].as_str().unwrap() {
                "path" => path = path.replace(&format!("{{{name}}}"), &value),
                "query" => query.push(format!("{name}={value}")),
                _ => {}
            }
        }
        format!("{path}?{}", query.join("&"))
    }

    async fn ask(&self, hq: &Hq, who: &As, path: &str) -> Answer {
        match self.method {
            Method::GET | Method::DELETE => answer(hq.ask(who, self.method.clone(), path)).await,
            _ => hq.send(who, self.method.clone(), (path, json!({}))).await,
        }
    }
}

fn enumerated(parameter: &Value) -> Option<String> {
    Some(parameter["schema"]["enum"].as_array()?.first()?.as_str()?.to_owned())
}

async fn people(hq: &Hq) -> Vec<(&'static str, As)> {
    // An account has a limited number of tokens, and there are many routes.
    hq.sqlite().execute("DELETE FROM api_token", []).expect("a database");
    vec![
        ("manager", hq.cookie("manager")),
        ("viewer", hq.cookie("viewer")),
        ("a token that reads", hq.token("manager", TokenScope::Read)),
        ("a token that sends", hq.token("manager", TokenScope::Feed)),
    ]
}

#[tokio::test]
async fn no_route_tells_anything_of_a_store_that_one_may_not_read() {
    let hq = hq().await;
    for route in routes() {
        // Anew for each: some routes end a session.
        for (who, caller) in people(&hq).await {
            for (foreign, number) in [(("acme", "paris-geheim"), 2), (("globex-geheim", "rome-geheim"), 3)] {
                let name = format!("{} {} as {who}", route.method, route.path);
                let found = route.ask(&hq, &caller, &route.about(foreign, number)).await;
                let told = found.text.to_lowercase();
                assert!(!told.contains("geheim"), "{name} tells of {foreign:?}: {}", found.text);
                let nowhere = route.ask(&hq, &caller, &route.about(("acme", "nowhere"), 999)).await;
                if route.path.contains("{store}") {
                    assert!(found.status >= 400, "{name} answers {} for {foreign:?}", found.status);
                    let both = ((found.status, &found.text), (nowhere.status, &nowhere.text));
                    assert_eq!(both.0, both.1, "{name} tells a store that is not one's own from none");
                }
                assert!(found.status < 500 || found.status == 503, "{name}: {}", found.text);
            }
        }
    }
}

#[tokio::test]
async fn nobody_is_answered_by_any_route_that_does_not_say_so() {
    let hq = hq().await;
    for route in routes() {
        let path = route.about(BERLIN, 1);
        for who in [As::Nobody, As::Cookie("0".repeat(64)), As::Token("ffhq_0".to_owned())] {
            let found = route.ask(&hq, &who, &path).await;
            let name = format!("{} {path} as {who:?}", route.method);
            if route.is_open() {
                // What is for anybody may be a certificate; a fault is always one of ours.
                assert!(found.status < 400 || found.key() != "sign_in", "{name}: {found:?}");
            } else {
                assert_eq!((found.status, found.key().as_str()), (401, "sign_in"), "{name}");
            }
        }
    }
}

#[tokio::test]
async fn a_chain_is_not_administered_from_a_store_and_no_token_administers() {
    let hq = hq().await;
    let owner_token = hq.token("owner", TokenScope::Read);
    for caller in [hq.cookie("manager"), hq.cookie("viewer"), owner_token] {
        for path in ["/api/v1/accounts", "/api/v1/audit"] {
            assert_eq!(hq.get(&caller, path).await.key(), "admin", "{path} as {caller:?}");
        }
    }
    let owner = hq.cookie("owner");
    let found = hq.get(&owner, "/api/v1/accounts").await;
    assert_eq!(found.status, 200);
    assert!(found.text.contains("manager") && !found.text.contains("stranger"), "{}", found.text);
}

#[tokio::test]
async fn the_stores_are_those_of_the_grants() {
    let hq = hq().await;
    hq.account("north", Role::Viewer, ("acme", PlaceName::Region("north".to_owned())));
    for (who, stores) in [
        ("manager", vec!["berlin"]),
        ("north", vec!["berlin"]),
        ("owner", vec!["berlin", "paris-geheim"]),
        ("stranger-geheim", vec!["rome-geheim"]),
    ] {
        let found = hq.get(&hq.cookie(who), "/api/v1/stores").await.json();
        let names: Vec<&str> = found["stores"]
            .as_array()
            .unwrap()
            .iter()
            .map(|store| store["store"].as_str().unwrap())
            .collect();
        assert_eq!(names, stores, "{who}");
    }
}

// Signing in and out.

#[tokio::test]
async fn one_signs_in_is_known_and_signs_out() {
    let hq = Hq::start(free()).await;
    let grant = NewGrant { role: Role::Manager, tenant: "acme".to_owned(), place: store("berlin") };
    hq.make("Ann", Some(PASSWORD), grant);
    let signed_in = sign_in(&hq, "ANN", PASSWORD).await;
    assert_eq!(signed_in.status, 200, "{}", signed_in.text);
    let cookie = signed_in.header("set-cookie");
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict") && cookie.contains("Path=/"));
    let ann = cookie_of(&signed_in);
    let me = hq.get(&ann, "/api/v1/me").await.json();
    assert_eq!(me, signed_in.json());
    let grants = json!([{"role": "manager", "scope": "store", "tenant": "acme", "name": "berlin"}]);
    assert_eq!((&me["account"], &me["grants"]), (&json!("ann"), &grants));
    assert_eq!(answer(hq.ask(&ann, Method::DELETE, "/api/v1/session")).await.status, 204);
    assert_eq!(hq.get(&ann, "/api/v1/me").await.status, 401);
}

#[tokio::test]
async fn a_wrong_name_a_wrong_password_and_a_disabled_account_look_alike() {
    let hq = Hq::start(free()).await;
    let grant = || NewGrant { role: Role::Viewer, tenant: "acme".to_owned(), place: PlaceName::Chain };
    hq.make("ann", Some(PASSWORD), grant());
    hq.make("bob", Some(PASSWORD), grant());
    hq.account("elsewhere", Role::Viewer, ("acme", PlaceName::Chain));
    hq.sqlite().execute("UPDATE account SET disabled = 1 WHERE name = 'bob'", []).unwrap();
    let expected = sign_in(&hq, "ann", "correct horse batterz").await;
    assert_eq!((expected.status, expected.key().as_str()), (401, "wrong_sign_in"));
    for (name, password) in
        [("nobody", PASSWORD), ("bob", PASSWORD), ("elsewhere", ""), ("elsewhere", PASSWORD)]
    {
        let found = sign_in(&hq, name, password).await;
        assert_eq!((found.status, &found.text), (expected.status, &expected.text), "{name}");
        assert_eq!(found.header("set-cookie"), "", "{name}");
    }
}

#[tokio::test]
async fn signing_in_ends_the_session_whose_cookie_came_along() {
    let hq = Hq::start(free()).await;
    let grant = NewGrant { role: Role::Viewer, tenant: "acme".to_owned(), place: PlaceName::Chain };
    hq.make("ann", Some(PASSWORD), grant);
    let planted = hq.cookie("ann");
    let body = json!({"name": "ann", "password": PASSWORD});
    let signed_in = hq.send(&planted, Method::POST, ("/api/v1/session", body)).await;
    assert_eq!(signed_in.status, 200, "{}", signed_in.text);
    assert_eq!(hq.get(&planted, "/api/v1/me").await.status, 401);
    assert_eq!(hq.get(&cookie_of(&signed_in), "/api/v1/me").await.status, 200);
}

#[tokio::test]
async fn a_session_ends_when_it_is_not_used_and_ends_however_much_it_is_used() {
    let hq = hq().await;
    let (idle, used) = (hq.cookie("manager"), hq.cookie("manager"));
    for _ in 0..13 {
        hq.clock.advance(Duration::from_secs(3600));
        assert_eq!(hq.get(&used, "/api/v1/me").await.status, 200);
    }
    assert_eq!(hq.get(&idle, "/api/v1/me").await.status, 401);
    for _ in 13..7 * 24 - 1 {
        hq.clock.advance(Duration::from_secs(3600));
        hq.get(&used, "/api/v1/me").await;
    }
    assert_eq!(hq.get(&used, "/api/v1/me").await.status, 200);
    hq.clock.advance(Duration::from_secs(3600));
    assert_eq!(hq.get(&used, "/api/v1/me").await.status, 401);
}

#[tokio::test]
async fn no_secret_stands_in_the_database() {
    let hq = hq().await;
    let (cookie, token) = (hq.cookie("manager"), hq.token("manager", TokenScope::Read));
    let (As::Cookie(cookie), As::Token(token)) = (cookie, token) else { panic!("a cookie and a token") };
    let sqlite = hq.sqlite();
    let dump = |table: &str| -> String {
        let mut rows = sqlite.prepare(&format!("SELECT * FROM {table}")).unwrap();
        let columns = rows.column_count();
        let text = rows.query_map([], |row| {
            (0..columns).map(|at| row.get::<_, rusqlite::types::Value>(at)).collect::<Result<Vec<_>, _>>()
        });
        format!("{:?}", text.unwrap().collect::<Vec<_>>())
    };
    for table in ["session", "api_token", "account", "audit"] {
        let text = dump(table);
        assert!(text.len() > 10 && !text.contains(&cookie) && !text.contains(&token[5..]), "{table}: {text}");
    }
}

// What another site's page may try.

/// Asks for a token as the manager, with headers that differ from a page's own.
#[track_caller]
fn assert_refused(found: &Answer, key: &str) {
    assert_eq!((found.status, found.key().as_str()), (403, key), "{}", found.text);
}

#[tokio::test]
async fn what_another_sites_page_sends_changes_nothing() {
    let hq = hq().await;
    let As::Cookie(cookie) = hq.cookie("manager") else { panic!("a cookie") };
    let csrf = footfall::hq::access::csrf_of(&cookie);
    let ours = format!("http://{}", hq.address);
    let with = |headers: &[(&str, &str)]| {
        let request = hq.ask(&As::Nobody, Method::POST, "/api/v1/tokens");
        let request = request.json(&json!({"name": "x", "scope": "read", "days": 1}));
        let request = request.header("cookie", format!("footfall={cookie}"));
        answer(headers.iter().fold(request, |request, (name, value)| request.header(*name, *value)))
    };
    assert_refused(&with(&[("origin", &ours)]).await, "csrf");
    assert_refused(&with(&[("origin", &ours), ("x-csrf-token", "")]).await, "csrf");
    assert_refused(&with(&[("origin", &ours), ("x-csrf-token", &csrf[1..])]).await, "csrf");
    assert_refused(&with(&[("x-csrf-token", &csrf)]).await, "origin");
    assert_refused(&with(&[("origin", "https://evil.example"), ("x-csrf-token", &csrf)]).await, "origin");
    assert_refused(&with(&[("origin", "null"), ("x-csrf-token", &csrf)]).await, "origin");
    assert_eq!(hq.get(&As::Cookie(cookie.clone()), "/api/v1/tokens").await.json(), json!({"tokens": []}));
    assert_eq!(with(&[("origin", &ours), ("x-csrf-token", &csrf)]).await.status, 201);
}

#[tokio::test]
async fn nobody_is_signed_in_from_another_sites_page_and_no_strangers_name_leads_here() {
    let hq = hq().await;
    let request =
        hq.ask(&As::Nobody, Method::POST, "/api/v1/session").header("origin", "https://evil.example");
    assert_refused(&answer(request.json(&json!({"name": "a", "password": "b"}))).await, "origin");
    let request = hq.ask(&As::Nobody, Method::GET, "/api/v1/login").header("host", "rebound.example");
    assert_refused(&answer(request).await, "host");
}

// Tokens.

#[tokio::test]
async fn a_token_that_reads_only_reads_and_one_that_sends_does_not_read() {
    let hq = hq().await;
    let (reads, sends) = (hq.token("manager", TokenScope::Read), hq.token("manager", TokenScope::Feed));
    assert_eq!(hq.get(&reads, "/api/v1/stores").await.status, 200);
    assert_refused(&hq.get(&sends, "/api/v1/stores").await, "token_feeds");
    let body = || json!({"name": "another", "scope": "read", "days": 1});
    assert_refused(&hq.send(&reads, Method::POST, ("/api/v1/tokens", body())).await, "token_reads");
    assert_refused(&hq.send(&sends, Method::POST, ("/api/v1/tokens", body())).await, "token_feeds");
}

#[tokio::test]
async fn a_token_is_shown_once_ends_and_is_taken_back() {
    let hq = hq().await;
    let manager = hq.cookie("manager");
    let body = json!({"name": "till", "scope": "read", "days": 2});
    let made = hq.send(&manager, Method::POST, ("/api/v1/tokens", body.clone())).await.json();
    let secret = made["secret"].as_str().unwrap().to_owned();
    assert!(secret.starts_with("ffhq_") && secret.len() == 69, "{secret}");
    assert!(!hq.get(&manager, "/api/v1/tokens").await.text.contains(&secret[5..]));
    let token = As::Token(secret);
    assert_eq!(hq.get(&token, "/api/v1/me").await.json()["account"], "manager");
    let path = format!("/api/v1/tokens/{}", made["token"]["id"]);
    let viewer = hq.cookie("viewer");
    assert_eq!(
        answer(hq.ask(&viewer, Method::DELETE, &path)).await.status,
        404,
        "not the viewer's to take back"
    );
    assert_eq!(answer(hq.ask(&manager, Method::DELETE, &path)).await.status, 204);
    assert_eq!(hq.get(&token, "/api/v1/me").await.status, 401);
    let again = hq.send(&manager, Method::POST, ("/api/v1/tokens", body)).await.json();
    let token = As::Token(again["secret"].as_str().unwrap().to_owned());
    hq.clock.advance(Duration::from_secs(2 * 86_400 - 1));
    assert_eq!(hq.get(&token, "/api/v1/me").await.status, 200);
    hq.clock.advance(Duration::from_secs(1));
    assert_eq!(hq.get(&token, "/api/v1/me").await.status, 401);
}

// Accounts.

/// What the owner of acme asks of the accounts.
async fn as_owner(hq: &Hq, method: Method, path: &str, body: Value) -> Answer {
    hq.send(&hq.cookie("owner"), method, (path, body)).await
}

#[tokio::test]
async fn every_change_of_an_account_ends_its_sessions_at_once() {
    let hq = hq().await;
    let grants =
        json!({"grants": [{"role": "viewer", "scope": "store", "tenant": "acme", "name": "berlin"}]});
    for (path, body) in [
        ("/api/v1/accounts/manager/grants", grants),
        ("/api/v1/accounts/manager/password", json!({"password": "a whole new sentence"})),
        ("/api/v1/accounts/manager/disabled", json!({"disabled": false})),
        ("/api/v1/accounts/manager/disabled", json!({"disabled": true})),
    ] {
        let manager = hq.cookie("manager");
        assert_eq!(hq.get(&manager, "/api/v1/me").await.status, 200);
        let changed = as_owner(&hq, Method::PUT, path, body).await;
        assert_eq!(changed.status, 204, "{path}: {}", changed.text);
        assert_eq!(hq.get(&manager, "/api/v1/me").await.status, 401, "{path}");
    }
    assert_eq!(sign_in(&hq, "manager", "a whole new sentence").await.status, 401, "it is disabled");
    let token = hq.token("manager", TokenScope::Read);
    assert_eq!(hq.get(&token, "/api/v1/me").await.status, 401, "a token does not outlive that");
}

#[tokio::test]
async fn an_administrator_grants_what_is_theirs_and_nothing_else() {
    let hq = hq().await;
    let grant = |role: &str, scope: &str, tenant: &str, name: Value| {
        json!({"name": "new", "password": PASSWORD,
               "grants": [{"role": role, "scope": scope, "tenant": tenant, "name": name}]})
    };
    for (body, status, key) in [
        (grant("viewer", "chain", "globex-geheim", Value::Null), 422, "grants"),
        (grant("viewer", "store", "globex-geheim", json!("rome-geheim")), 422, "grants"),
        (grant("viewer", "store", "acme", json!("nowhere")), 422, "grants"),
        (grant("admin", "store", "acme", json!("berlin")), 422, "grants"),
        (grant("viewer", "store", "acme", Value::Null), 422, "body"),
        (grant("boss", "chain", "acme", Value::Null), 422, "body"),
        (json!({"name": "new", "grants": []}), 422, "grants"),
        (json!({"name": "a b", "grants": []}), 422, "account_name"),
        (json!({"name": "new", "password": "short", "grants": []}), 422, "password"),
    ] {
        let found = as_owner(&hq, Method::POST, "/api/v1/accounts", body.clone()).await;
        assert_eq!((found.status, found.key().as_str()), (status, key), "{body}: {}", found.text);
    }
    let body = grant("manager", "region", "acme", json!("north"));
    assert_eq!(as_owner(&hq, Method::POST, "/api/v1/accounts", body.clone()).await.status, 201);
    assert_eq!(as_owner(&hq, Method::POST, "/api/v1/accounts", body).await.key(), "account_taken");
    assert_eq!(sign_in(&hq, "new", PASSWORD).await.status, 200);
}

#[tokio::test]
async fn an_account_of_another_chain_is_not_there() {
    let hq = hq().await;
    let nobody =
        as_owner(&hq, Method::PUT, "/api/v1/accounts/nobody/disabled", json!({"disabled": true})).await;
    assert_eq!(nobody.status, 404);
    for name in ["stranger-geheim", "both"] {
        if name == "both" {
            hq.account("both", Role::Viewer, ("acme", PlaceName::Chain));
            let grant = "INSERT INTO access_grant (account_id, role, tenant_id) VALUES (?, 'viewer', 2)";
            hq.sqlite().execute(grant, [hq.account_id("both")]).unwrap();
        }
        let path = format!("/api/v1/accounts/{name}/disabled");
        let found = as_owner(&hq, Method::PUT, &path, json!({"disabled": true})).await;
        assert_eq!((found.status, &found.text), (nobody.status, &nobody.text), "{name}");
    }
}

#[tokio::test]
async fn nobody_locks_themselves_out() {
    let hq = hq().await;
    let found =
        as_owner(&hq, Method::PUT, "/api/v1/accounts/owner/disabled", json!({"disabled": true})).await;
    assert_eq!((found.status, found.key().as_str()), (409, "own_account"));
    assert_eq!(hq.get(&hq.cookie("owner"), "/api/v1/me").await.status, 200);
}

#[tokio::test]
async fn ones_own_password_is_changed_with_the_present_one() {
    let hq = Hq::start(free()).await;
    let grant = NewGrant { role: Role::Viewer, tenant: "acme".to_owned(), place: PlaceName::Chain };
    hq.make("ann", Some(PASSWORD), grant);
    let ann = hq.cookie("ann");
    let path = "/api/v1/me/password";
    let wrong = json!({"present": "something else", "password": "a whole new sentence"});
    assert_refused(&hq.send(&ann, Method::PUT, (path, wrong)).await, "wrong_password");
    let weak = json!({"present": PASSWORD, "password": "ann"});
    assert_eq!(hq.send(&ann, Method::PUT, (path, weak)).await.key(), "password");
    let right = json!({"present": PASSWORD, "password": "a whole new sentence"});
    assert_eq!(hq.send(&ann, Method::PUT, (path, right)).await.status, 204);
    assert_eq!(hq.get(&ann, "/api/v1/me").await.status, 401);
    assert_eq!(sign_in(&hq, "ann", PASSWORD).await.status, 401);
    assert_eq!(sign_in(&hq, "ann", "a whole new sentence").await.status, 200);
}

#[tokio::test]
async fn the_audit_log_says_who_did_what_and_tells_each_chain_its_own() {
    let hq = hq().await;
    sign_in(&hq, "manager", "guessed wrongly").await;
    sign_in(&hq, "nobody", "guessed wrongly").await;
    as_owner(&hq, Method::PUT, "/api/v1/accounts/viewer/disabled", json!({"disabled": true})).await;
    let found = hq.get(&hq.cookie("owner"), "/api/v1/audit").await;
    let lines = found.json()["lines"].as_array().unwrap().clone();
    let told: Vec<(&str, &str)> = lines
        .iter()
        .map(|line| (line["account"].as_str().unwrap_or("-"), line["action"].as_str().unwrap()))
        .collect();
    assert!(told.contains(&("manager", "sign_in_failed")), "{told:?}");
    assert!(told.contains(&("owner", "account_disabled")), "{told:?}");
    assert!(!told.contains(&("-", "sign_in_failed")), "that is for who administers all chains: {told:?}");
    assert!(!found.text.contains("geheim") && !found.text.contains("guessed"), "{}", found.text);
    assert_eq!(lines[0]["action"], "sign_in", "the newest first: {lines:?}");
    let older = hq.get(&hq.cookie("owner"), &format!("/api/v1/audit?most=1&before={}", lines[1]["id"])).await;
    assert_eq!(older.json()["lines"], json!([lines[2]]));
}

// Limits, and what every answer has.

#[tokio::test]
async fn guessing_passwords_is_slowed_down_by_address_and_by_name() {
    let limits = footfall::hq::api::limits::Limits {
        address: free().address,
        account: free().account,
        ..Default::default()
    };
    let hq = Hq::start(limits).await;
    let mut statuses = Vec::new();
    for _ in 0..11 {
        statuses.push(sign_in(&hq, "ann", "x").await.status);
    }
    assert_eq!(statuses, [[401; 10].as_slice(), &[429]].concat());
    let late = sign_in(&hq, "ann", "x").await;
    assert_eq!(late.key(), "too_often");
    assert!(late.header("retry-after").parse::<u64>().unwrap() <= 7, "{late:?}");
    hq.clock.advance(Duration::from_secs(6));
    assert_eq!(sign_in(&hq, "ann", "x").await.status, 401);
}

#[tokio::test]
async fn an_address_and_an_account_get_so_much_and_no_more() {
    let few = footfall::hq::api::limits::Rate {
        burst: std::num::NonZeroU32::new(3).unwrap(),
        each: Duration::from_secs(1),
    };
    for limits in [
        footfall::hq::api::limits::Limits { address: few, ..free() },
        footfall::hq::api::limits::Limits { account: few, ..free() },
    ] {
        let hq = Hq::start(limits).await;
        hq.account("ann", Role::Viewer, ("acme", PlaceName::Chain));
        let ann = hq.cookie("ann");
        for _ in 0..3 {
            assert_eq!(hq.get(&ann, "/api/v1/me").await.status, 200);
        }
        assert_eq!(hq.get(&ann, "/api/v1/me").await.status, 429);
    }
}

#[tokio::test]
async fn what_cannot_be_read_is_answered_as_a_fault() {
    let hq = hq().await;
    let owner = hq.cookie("owner");
    let raw = |kind: &'static str, body: String| {
        answer(hq.ask(&owner, Method::POST, "/api/v1/tokens").header("content-type", kind).body(body))
    };
    let deep = "[".repeat(20_000);
    for (kind, body, status) in [
        ("application/json", "{".to_owned(), 400),
        ("application/json", format!("{{\"name\": {deep}"), 422),
        ("application/json", "[]".to_owned(), 422),
        ("application/json", json!({"name": "x", "scope": "read", "days": -1}).to_string(), 422),
        ("application/json", format!("\"{}\"", "x".repeat(70_000)), 413),
        ("text/plain", "{}".to_owned(), 415),
    ] {
        let found = raw(kind, body).await;
        assert_eq!(found.status, status, "{}", found.text);
        assert!(!found.key().is_empty(), "{}", found.text);
    }
    assert_eq!(hq.get(&owner, "/api/v1/nothing").await.key(), "not_found");
    assert_eq!(hq.get(&As::Nobody, "/api/v1/nothing").await.key(), "sign_in");
    assert_eq!(hq.send(&owner, Method::PUT, ("/api/v1/me", json!({}))).await.key(), "method");
    assert_eq!(hq.get(&owner, "/api/v1/audit?most=0").await.key(), "query");
    assert_eq!(hq.get(&owner, "/api/v1/audit?most=x").await.key(), "query");
    assert_eq!(answer(hq.ask(&owner, Method::DELETE, "/api/v1/tokens/x")).await.key(), "not_found");
}

#[tokio::test]
async fn every_answer_says_what_a_browser_may_not_do() {
    let hq = hq().await;
    let manager = hq.cookie("manager");
    for (path, kept) in
        [("/api/v1/me", "no-store"), ("/api/v1/nothing", "no-store"), ("/", ""), ("/store/acme/berlin", "")]
    {
        let found = hq.get(&manager, path).await;
        let policy = found.header("content-security-policy");
        assert!(
            policy.contains("frame-ancestors 'none'") && policy.contains("script-src 'self';"),
            "{path}: {policy}"
        );
        assert_eq!(found.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(found.header("referrer-policy"), "same-origin", "{path}");
        if !kept.is_empty() {
            assert_eq!(found.header("cache-control"), kept, "{path}");
        }
    }
    let page = hq.get(&As::Nobody, "/store/acme/berlin").await;
    assert_eq!((page.status, page.header("content-type")), (200, "text/html; charset=utf-8"));
}

// The document.

const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/ref/openapi.json");

#[test]
fn the_document_is_that_of_the_code() {
    let mut of_code = serde_json::to_string_pretty(&api::document()).unwrap();
    of_code.push('\n');
    if std::env::var_os("UPDATE_OPENAPI").is_some() {
        std::fs::write(DOCUMENT, &of_code).unwrap();
    }
    let committed = std::fs::read_to_string(DOCUMENT).unwrap_or_default();
    assert!(
        committed == of_code,
        "docs/ref/openapi.json is not what the code says; write it anew with \
         UPDATE_OPENAPI=1 cargo nextest run --no-default-features --features hq --test hq_access the_document"
    );
}

#[test]
fn every_operation_says_what_it_does_and_how_it_may_fail() {
    for route in routes() {
        let name = format!("{} {}", route.method, route.path);
        assert!(route.operation["summary"].is_string(), "{name} has no summary");
        for status in ["401", "429", "500"] {
            assert!(
                route.operation["responses"][status].is_object(),
                "{name} does not list {status}: add Faults"
            );
        }
    }
}
