//! Tests of all readers, through [`staycast_events::formats::open`] as the commands use it.

mod blocks;
mod caliper;
mod changed_files;
mod clocks;
mod common;
mod coursera;
#[cfg(feature = "sql")]
mod database;
mod edx;
mod enrolled_again;
mod extremes;
mod file_names;
mod futurelearn;
mod institutions;
mod kdd2015;
mod long_lines;
mod mappings;
mod moodle;
mod odd_tables;
mod odd_text;
mod offered_files;
mod oulad;
mod own_weeks;
mod privacy;
mod real;
mod rewritten;
mod rewritten_json;
mod same_events;
mod separators;
mod set_aside;
mod stray_days;
mod table;
mod unknown_kinds;
mod who;
mod xapi;
mod xuetangx2019;
