//! The built pages are embedded: new ones must rebuild the crate.

fn main() {
    println!("cargo:rerun-if-changed=../../console/dist");
}
