use staycast_events::formats::*;
use staycast_events::*;
fn main() {
    let mut args = std::env::args().skip(1);
    let folder = args.next().unwrap();
    let mapping = args.next().map(Into::into);
    let t = std::time::Instant::now();
    let source = open(&[folder.into()], &OpenOptions { mapping, ..Default::default() }).unwrap();
    println!("open {:?}", t.elapsed());
    let days: Vec<u32> = source.roster.courses.iter().map(|c| c.days).collect();
    let frame = Frame::new(&source.roster, &days, None);
    let t = std::time::Instant::now();
    let n = std::sync::atomic::AtomicU64::new(0);
    let rows = std::sync::atomic::AtomicU64::new(0);
    for f in &source.events {
        f.read(
            Purpose::Events,
            &frame,
            &|_, p| {
                n.fetch_add(p.events.len() as u64, std::sync::atomic::Ordering::Relaxed);
                rows.fetch_add(p.tally.place("", 0).read, std::sync::atomic::Ordering::Relaxed);
                Ok(())
            },
            &|_| (),
        )
        .unwrap();
    }
    println!("read {:?} {:?} rows {:?} events", t.elapsed(), rows, n);
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    println!("{}", status.lines().find(|l| l.starts_with("VmHWM")).unwrap());
}
