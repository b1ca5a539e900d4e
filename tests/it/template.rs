//! The room `template`: what is copied from one WorkCenter to others.

mod dates;
