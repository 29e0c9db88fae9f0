//! Tests of all readers, through [`staycast_events::formats::open`] as the commands use it.

mod blocks;
mod caliper;
mod common;
mod edx;
mod kdd2015;
mod mappings;
mod oulad;
mod real;
mod table;
mod xapi;
