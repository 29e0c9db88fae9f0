//! Tests of all readers, through [`staycast_events::formats::open`] as the commands use it.

mod blocks;
mod common;
mod extremes;
mod kdd2015;
mod mappings;
mod oulad;
mod real;
mod table;
