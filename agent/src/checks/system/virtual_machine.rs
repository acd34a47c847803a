//! `system.virtual-machine`: whether this is a real computer, a virtual one or a container, and of which product.
//!
//! It explains what other checks can't see: a virtual computer has no health of disks, a container no clock of its own.
//! The names are those of systemd-detect-virt(1), found in the same files.

use venia_proto::ledger::body::Arguments;
use venia_proto::report::{Draft, Severity};

use crate::checks::machine::Machine;
use crate::checks::mount::Mount;
use crate::checks::{Check, Failure};

/// How a maker calls itself or the product in the firmware's own table (DMI), and the product.
const FIRMWARE: [(&str, &str); 18] = [
    ("Amazon EC2", "Amazon EC2"),
    ("Apple Virtualization", "Apple Virtualization"),
    ("BHYVE", "bhyve"),
    ("Bochs", "Bochs"),
    ("DigitalOcean", "DigitalOcean"),
    ("Google Compute Engine", "Google Compute Engine"),
    ("HVM domU", "Xen"),
    ("Hetzner", "Hetzner Cloud"),
    ("KVM", "KVM"),
    ("OpenStack", "OpenStack"),
    ("Parallels", "Parallels"),
    ("QEMU", "QEMU"),
    ("VMware", "VMware"),
    ("VirtualBox", "VirtualBox"),
    ("Virtual Machine", "Hyper-V"),
    ("Xen", "Xen"),
    ("innotek GmbH", "VirtualBox"),
    ("oVirt", "oVirt"),
];

pub(crate) struct VirtualMachine;

pub(crate) struct Inputs {
    vendor: Option<String>,
    product: Option<String>,
    hypervisor: Option<String>,
    cpu: Option<String>,
    kernel: Option<String>,
    /// What systemd wrote down, if it started this system in a container.
    container: Option<String>,
    docker: bool,
    podman: bool,
    root: Option<Mount>,
}

impl Check for VirtualMachine {
    const ID: &'static str = "system.virtual-machine";
    type Inputs = Inputs;

    fn gather(_: &Arguments) -> Result<Inputs, Failure> {
        Ok(gather_from(&Machine::this()))
    }

    fn judge(inputs: Inputs) -> Draft {
        let mut draft = Draft::default();
        let container = inputs.container();
        let machine = inputs.machine();
        draft.fact("container", container.is_some(), "");
        if let Some((product, evidence)) = container {
            if let Some((_, evidence)) = machine {
                draft.fact("virtual-machine", true, "");
                draft.fact("product", product.clone(), "");
                let evidence = format!("{evidence}; in a container");
                draft.finding(Severity::Ok, "container", &[("product", product.into())], evidence);
                return draft;
            }
            draft.fact("product", product.clone(), "");
            draft.finding(Severity::Ok, "container", &[("product", product.into())], evidence);
        } else if let Some((product, evidence)) = machine {
            draft.fact("virtual-machine", true, "");
            draft.fact("product", product.clone(), "");
            draft.finding(Severity::Ok, "virtual-machine", &[("product", product.into())], evidence);
        } else if inputs.vendor.is_some() || inputs.cpu.is_some() {
            draft.fact("virtual-machine", false, "");
            let evidence = "no hypervisor in /proc/cpuinfo, /sys/class/dmi/id or /sys/hypervisor";
            draft.finding(Severity::Ok, "real-computer", &[], evidence);
        } else {
            let evidence = "/proc/cpuinfo and /sys/class/dmi/id can't be read";
            draft.finding(Severity::Unknown, "virtual-unknown", &[], evidence);
        }
        draft
    }
}

fn gather_from(machine: &Machine) -> Inputs {
    let mounts = machine.text("/proc/self/mounts").unwrap_or_default();
    Inputs {
        vendor: machine.word("/sys/class/dmi/id/sys_vendor"),
        product: machine.word("/sys/class/dmi/id/product_name"),
        hypervisor: machine.word("/sys/hypervisor/type"),
        cpu: machine.word("/proc/cpuinfo"),
        kernel: machine.word("/proc/sys/kernel/osrelease"),
        container: machine.word("/run/systemd/container"),
        docker: machine.has("/.dockerenv"),
        podman: machine.has("/run/.containerenv"),
        root: Mount::parse(&mounts).into_iter().find(|mount| mount.target == "/"),
    }
}

impl Inputs {
    /// The container's product and the evidence.
    fn container(&self) -> Option<(String, String)> {
        let said = |product: &str, evidence: &str| Some((product.to_owned(), evidence.to_owned()));
        if let Some(kind) = &self.container {
            return Some((kind.clone(), format!("/run/systemd/container: {kind}")));
        }
        if self.podman {
            return said("Podman", "/run/.containerenv exists");
        }
        if self.docker {
            return said("Docker", "/.dockerenv exists");
        }
        let root = self.root.as_ref().filter(|root| root.kind == "overlay")?;
        // Live systems have an overlay root too; the layers of containers lie in their products' own folders.
        let from = |folder: &str| root.options.iter().any(|option| option.contains(folder));
        if from("/docker/") {
            said("Docker", "/proc/self/mounts: the root is a layer of Docker")
        } else if from("/containers/storage/") {
            said("Podman", "/proc/self/mounts: the root is a layer of Podman")
        } else if from("io.containerd") {
            said("containerd", "/proc/self/mounts: the root is a layer of containerd")
        } else {
            None
        }
    }

    /// The virtual machine's product and the evidence.
    fn machine(&self) -> Option<(String, String)> {
        if let Some(kernel) = self.kernel.as_ref().filter(|kernel| kernel.to_ascii_lowercase().contains("microsoft")) {
            return Some(("WSL".to_owned(), format!("/proc/sys/kernel/osrelease: {kernel}")));
        }
        let named = [&self.vendor, &self.product].into_iter().flatten();
        let firmware =
            named.flat_map(|name| FIRMWARE.iter().filter(|(word, _)| name.contains(*word)).map(|f| f.1)).next();
        if let Some(product) = firmware {
            return Some((product.to_owned(), format!("/sys/class/dmi/id names {product}")));
        }
        if let Some(kind) = &self.hypervisor {
            return Some((kind.clone(), format!("/sys/hypervisor/type: {kind}")));
        }
        let flags = self.cpu.as_ref()?.lines().find(|line| line.starts_with("flags"))?;
        flags.split_whitespace().any(|flag| flag == "hypervisor").then(|| {
            let unnamed = "a product that gives no name";
            (unnamed.to_owned(), "/proc/cpuinfo flags: hypervisor".to_owned())
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::checks::proof::{all_is_said, recorded, told};

    fn nothing() -> Inputs {
        Inputs {
            vendor: None,
            product: None,
            hypervisor: None,
            cpu: None,
            kernel: None,
            container: None,
            docker: false,
            podman: false,
            root: None,
        }
    }

    fn of(inputs: Inputs) -> (String, String) {
        let report = told(VirtualMachine::ID, &VirtualMachine::judge(inputs));
        let product = report.facts.iter().find(|fact| fact.key == "product").map(|fact| fact.value.to_string());
        (report.findings[0].id.clone(), product.unwrap_or_default())
    }

    #[test]
    fn recorded_machines_are_told_apart() {
        for (machine, found, product) in [
            ("laptop-full", "real-computer", ""),
            ("container", "container", "Docker"),
            ("suse-vm", "virtual-machine", "QEMU"),
        ] {
            assert_eq!(of(gather_from(&recorded(machine))), (found.into(), product.into()), "{machine}");
        }
    }

    #[test]
    fn products_are_known_by_their_own_words() {
        let some = |text: &str| Some(text.to_owned());
        for (inputs, found, product) in [
            (Inputs { vendor: some("LENOVO"), product: some("20L5CTO1WW"), ..nothing() }, "real-computer", ""),
            (Inputs { vendor: some("VMware, Inc."), ..nothing() }, "virtual-machine", "VMware"),
            (Inputs { vendor: some("innotek GmbH"), ..nothing() }, "virtual-machine", "VirtualBox"),
            (
                Inputs { vendor: some("Microsoft Corporation"), product: some("Virtual Machine"), ..nothing() },
                "virtual-machine",
                "Hyper-V",
            ),
            (
                Inputs { vendor: some("Microsoft Corporation"), product: some("Surface Laptop 4"), ..nothing() },
                "real-computer",
                "",
            ),
            (Inputs { hypervisor: some("xen"), ..nothing() }, "virtual-machine", "xen"),
            (Inputs { kernel: some("5.15.167.4-microsoft-standard-WSL2"), ..nothing() }, "virtual-machine", "WSL"),
            (Inputs { container: some("lxc"), ..nothing() }, "container", "lxc"),
            (Inputs { podman: true, vendor: some("QEMU"), ..nothing() }, "container", "Podman"),
            (Inputs { docker: true, ..nothing() }, "container", "Docker"),
        ] {
            assert_eq!(of(inputs), (found.into(), product.into()));
        }
        let live = Mount::parse("LiveOS_rootfs / overlay rw,lowerdir=/run/rootfsbase,upperdir=/run/overlayfs 0 0");
        assert_eq!(of(Inputs { root: live.into_iter().next(), ..nothing() }).0, "virtual-unknown");
    }

    #[test]
    fn everything_declared_is_said() {
        let machines = ["laptop-full", "container", "suse-vm"];
        let runs = machines.map(|machine| gather_from(&recorded(machine))).into_iter().chain([nothing()]);
        all_is_said::<VirtualMachine>(runs.collect());
    }

    proptest! {
        #[test]
        fn garbage_never_panics(a in any::<Option<String>>(), b in "(flags.*\n)*", c in ".*/docker/.*|.*") {
            let root = Mount { source: c.clone(), target: "/".into(), kind: "overlay".into(), options: vec![c] };
            let inputs = Inputs { vendor: a.clone(), product: a.clone(), kernel: a, cpu: Some(b), root: Some(root), ..nothing() };
            told(VirtualMachine::ID, &VirtualMachine::judge(inputs));
        }
    }
}
