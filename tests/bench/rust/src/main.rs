//! What calling Go costs a compiled language. Reads lines such as `ping 1000` and `login 1000`, makes so many calls by
//! rust2go, and answers each line with the seconds they took.

mod calls;

use std::hint::black_box;
use std::io::stdin;
use std::time::Instant;

use calls::{Calls, CallsImpl, LoginRequest, User};

fn main() {
    let user = User {
        id: 1,
        name: "test".to_string(),
        age: 30,
    };
    let request = LoginRequest {
        user,
        password: "test_psw".to_string(),
    };
    let response = CallsImpl::login(&request);
    assert!(response.succ && response.message == "welcome, test" && response.token == [6, 6, 6]);
    assert_eq!(CallsImpl::ping(1995), 1995);

    for line in stdin().lines() {
        let line = line.expect("input is text");
        let (name, count) = line.split_once(' ').expect("a name and a count");
        let count = count.parse().expect("the count is a number");
        let seconds = match name {
            "ping" => timed(count, || CallsImpl::ping(black_box(1995))),
            "login" => timed(count, || CallsImpl::login(black_box(&request))),
            _ => panic!("expected ping or login, got {name}"),
        };
        println!("{seconds}");
    }
}

fn timed<R>(count: usize, call: impl Fn() -> R) -> f64 {
    let begin = Instant::now();
    for _ in 0..count {
        black_box(call());
    }
    begin.elapsed().as_secs_f64()
}
