//! Has the pages of head office embedded anew when they were built anew.
//!
//! What is not obvious: `ui/dist` is made where it is missing, because Cargo runs this again, and builds everything again, for as
//! long as a path that it is told to watch does not exist.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if std::env::var_os("CARGO_FEATURE_HQ").is_none() {
        return;
    }
    println!("cargo::rerun-if-changed=ui/dist");
    if let Err(fault) = std::fs::create_dir_all("ui/dist") {
        println!("cargo::warning=ui/dist cannot be made ({fault}); this is built at every call");
    }
}
