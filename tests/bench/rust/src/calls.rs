//! The interface that rust2go generates both halves of: what its own tests call ping and login.

pub mod binding {
    #![allow(warnings)]
    rust2go::r2g_include_binding!();
}

#[derive(rust2go::R2G)]
pub struct User {
    pub id: u32,
    pub name: String,
    pub age: u8,
}

#[derive(rust2go::R2G)]
pub struct LoginRequest {
    pub user: User,
    pub password: String,
}

#[derive(rust2go::R2G)]
pub struct LoginResponse {
    pub succ: bool,
    pub message: String,
    pub token: Vec<u8>,
}

#[rust2go::r2g]
pub trait Calls {
    #[go_pass_struct] // by value, as its own ping is declared
    fn ping(n: usize) -> usize;
    fn login(req: &LoginRequest) -> LoginResponse;
}
