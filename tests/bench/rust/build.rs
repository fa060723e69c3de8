// As rust2go's documentation has it (docs/build-rs.md): the glue is generated, then Go is built and linked.
fn main() {
    rust2go::Builder::new()
        .with_go_src("./go")
        .with_regen("./src/calls.rs", "./go/gen.go")
        .build();
}
