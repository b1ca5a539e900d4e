//! What is the same of every program, by the names that Prometheus' own client libraries have for it.

use std::sync::atomic::AtomicU64;

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::{Registry, Unit},
};

use super::{
    store,
    usage::{self, Usage},
};
use crate::db;

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Built {
    version: &'static str,
    schema: u32,
}

/// What the process is, and what it takes.
#[derive(Default)]
pub struct Process {
    built: Family<Built, Gauge>,
    cpu: Counter<f64, AtomicU64>,
    resident: Gauge<u64, AtomicU64>,
    addressed: Gauge<u64, AtomicU64>,
    fds: Gauge<u64, AtomicU64>,
    fds_max: Gauge<u64, AtomicU64>,
    began: Gauge<f64, AtomicU64>,
}

impl Process {
    /// Has all of it told by `it`.
    pub fn register(&self, it: &mut Registry) {
        let help = "1, labelled with the program's version and with the schema of the database that it needs";
        it.register("workcenter_build_info", help, self.built.clone());
        let help = "Time that processors have spent on this process";
        it.register_with_unit("process_cpu", help, Unit::Seconds, self.cpu.clone());
        let help = "Memory that this process has at hand";
        it.register_with_unit("process_resident_memory", help, Unit::Bytes, self.resident.clone());
        let help = "Addresses that this process has";
        it.register_with_unit("process_virtual_memory", help, Unit::Bytes, self.addressed.clone());
        it.register("process_open_fds", "Files and sockets that this process has open", self.fds.clone());
        it.register("process_max_fds", "How many of them it may have open", self.fds_max.clone());
        let help = "When this process began, since the epoch";
        it.register_with_unit("process_start_time", help, Unit::Seconds, self.began.clone());
    }

    /// Looks at what nobody tells of.
    pub fn read(&self) {
        self.built.get_or_create(&Built { version: env!("CARGO_PKG_VERSION"), schema: db::needed() }).set(1);
        let Some(usage) = usage::own() else { return };
        let Usage { cpu_seconds, resident_bytes, virtual_bytes, open_fds, max_fds, began_at } = usage;
        store(&self.cpu, cpu_seconds);
        self.resident.set(resident_bytes);
        self.addressed.set(virtual_bytes);
        self.fds.set(open_fds);
        self.fds_max.set(max_fds);
        self.began.set(began_at);
    }
}
