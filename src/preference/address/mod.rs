//! The address at which people get mail of what happens, where that is not the one that they sign in with.
//!
//! The rules are those of the room `identity`, which addresses belong to; here is how they are asked for.

mod service;
