//! Programs through which somebody elsewhere can see, control or manage a computer, or be let into it.
//!
//! From the makers' Linux packages and documentation: names of processes, services, ports and files. A name here says
//! nothing bad about a program: it says that the person should know that it is there.

use Lets::{Control, In, Manage};

/// What a program lets others do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lets {
    /// See the screen, or use the computer.
    Control,
    /// Manage it: install, run and list things, without anybody at the screen.
    Manage,
    /// Reach it from outside, past the router.
    In,
}

/// One of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RemoteTool {
    pub(super) name: &'static str,
    pub(super) lets: Lets,
    /// Programs that run while it waits.
    pub(super) waits: &'static [&'static str],
    /// Programs that only run while somebody is connected.
    pub(super) connected: &'static [&'static str],
    /// Services of systemd, without `.service`.
    pub(super) services: &'static [&'static str],
    /// Ports it waits at.
    pub(super) ports: &'static [u16],
    /// Files or folders that it is installed as.
    pub(super) places: &'static [&'static str],
}

const fn tool(
    name: &'static str,
    lets: Lets,
    waits: &'static [&'static str],
    services: &'static [&'static str],
    ports: &'static [u16],
    places: &'static [&'static str],
) -> RemoteTool {
    RemoteTool { name, lets, waits, connected: &[], services, ports, places }
}

const fn seen(tool: RemoteTool, connected: &'static [&'static str]) -> RemoteTool {
    RemoteTool { connected, ..tool }
}

/// All of them, by name.
pub(super) const ALL: &[RemoteTool] = &[
    tool("Action1", Manage, &["action1_agent"], &["action1_agent"], &[], &["/opt/Action1", "/opt/action1"]),
    tool(
        "Amazon SSM",
        Manage,
        &["amazon-ssm-agent", "ssm-agent-worker"],
        &["amazon-ssm-agent"],
        &[],
        &["/usr/bin/amazon-ssm-agent"],
    ),
    tool("AnyDesk", Control, &["anydesk"], &["anydesk"], &[7070], &["/usr/bin/anydesk", "/opt/anydesk"]),
    tool("Atera", Manage, &["AteraAgent"], &["AteraAgent"], &[], &["/usr/share/AteraAgent", "/opt/AteraAgent"]),
    tool("Automox", Manage, &["amagent"], &["amagent"], &[], &["/opt/amagent"]),
    tool("Azure agent", Manage, &["waagent"], &["walinuxagent", "waagent"], &[], &["/usr/sbin/waagent"]),
    tool("BeyondTrust", Control, &["bomgar-scc", "sra-scc"], &[], &[], &["/opt/bomgar", "/opt/beyondtrust"]),
    tool("Chef", Manage, &["chef-client", "cinc-client"], &["chef-client"], &[], &["/opt/chef", "/opt/cinc"]),
    tool(
        "Chrome Remote Desktop",
        Control,
        &["chrome-remote-desktop-host", "remoting_me2me_host"],
        &["chrome-remote-desktop", "chrome-remote-desktop@"],
        &[],
        &["/opt/google/chrome-remote-desktop"],
    ),
    tool(
        "Cloudflare Tunnel",
        In,
        &["cloudflared"],
        &["cloudflared"],
        &[],
        &["/usr/bin/cloudflared", "/usr/local/bin/cloudflared"],
    ),
    tool(
        "Cockpit",
        Control,
        &["cockpit-ws", "cockpit-tls"],
        &["cockpit"],
        &[9090],
        &["/usr/lib/cockpit", "/usr/libexec/cockpit-ws"],
    ),
    tool("ConnectWise Automate", Manage, &["ltechagent"], &["ltechagent"], &[], &["/usr/local/ltechagent"]),
    tool("DWService", Control, &["dwagsvc", "dwagent"], &["dwagent"], &[], &["/usr/share/dwagent"]),
    tool(
        "Datto RMM",
        Manage,
        &["CagService", "aem-agent"],
        &["CagService"],
        &[],
        &["/opt/CentraStage", "/usr/local/share/CentraStage"],
    ),
    tool("Fleet", Manage, &["orbit", "fleet-desktop"], &["orbit"], &[], &["/opt/orbit"]),
    tool("GNOME Remote Desktop", Control, &["gnome-remote-desktop-daemon"], &[], &[], &[]),
    tool("GRR", Manage, &["grrd", "fleetspeak-client"], &["grr", "fleetspeak-client"], &[], &["/usr/sbin/grrd"]),
    tool("Guacamole", Control, &["guacd"], &["guacd"], &[4822], &["/usr/sbin/guacd", "/usr/local/sbin/guacd"]),
    tool(
        "HopToDesk",
        Control,
        &["hoptodesk"],
        &["hoptodesk"],
        &[],
        &["/usr/bin/hoptodesk", "/usr/lib/hoptodesk", "/opt/hoptodesk"],
    ),
    tool("ISL Online", Control, &["ISLAlwaysOn", "isllight"], &["ISLAlwaysOn"], &[], &["/opt/ISLOnline", "/opt/isl"]),
    tool("JumpCloud", Manage, &["jumpcloud-agent"], &["jcagent"], &[], &["/opt/jc"]),
    tool("JumpDesktop", Control, &["jumpconnect"], &["jumpconnect"], &[], &["/opt/jumpconnect"]),
    tool("KDE Remote Desktop", Control, &["krdpserver", "krfb"], &["app-org.kde.krdpserver"], &[], &[]),
    tool("Kaseya", Manage, &["KaseyaAgent", "kaseyad"], &["kagent"], &[], &["/opt/Kaseya"]),
    tool("Landscape", Manage, &["landscape-client"], &["landscape-client"], &[], &["/usr/bin/landscape-client"]),
    tool("Level", Manage, &["level"], &["level"], &[], &["/usr/local/bin/level"]),
    tool("LogMeIn Hamachi", In, &["hamachid"], &["logmein-hamachi"], &[], &["/opt/logmein-hamachi"]),
    tool("LogMeIn Rescue", Control, &["LMIRescue", "lmi-rescue"], &[], &[], &["/opt/logmein"]),
    tool(
        "ManageEngine",
        Manage,
        &["dcservice", "dcondemand"],
        &["dcservice"],
        &[],
        &["/usr/local/manageengine", "/usr/local/desktopcentralagent"],
    ),
    tool(
        "MeshCentral",
        Control,
        &["meshagent"],
        &["meshagent"],
        &[],
        &["/usr/local/mesh_services", "/opt/meshagent", "/usr/local/mesh"],
    ),
    tool(
        "Microsoft Intune",
        Manage,
        &["intune-agent", "intune-daemon"],
        &["intune-daemon"],
        &[],
        &["/opt/microsoft/intune"],
    ),
    tool("N-able", Manage, &["nagent"], &["nagent"], &[], &["/usr/sbin/nagent", "/home/nagent"]),
    tool("NetBird", In, &["netbird"], &["netbird"], &[], &["/usr/bin/netbird", "/usr/local/bin/netbird"]),
    tool("NinjaOne", Manage, &["ninjarmm-linagent"], &["ninjarmm-agent"], &[], &["/opt/NinjaRMMAgent"]),
    seen(
        tool("NoMachine", Control, &["nxserver.bin", "nxd"], &["nxserver"], &[4000], &["/usr/NX", "/etc/NX"]),
        &["nxnode.bin"],
    ),
    tool("Parsec", Control, &["parsecd"], &[], &[], &["/usr/bin/parsecd"]),
    tool(
        "Pulseway",
        Manage,
        &["pulsewayd", "pcmonitord"],
        &["pulseway"],
        &[],
        &["/usr/sbin/pulsewayd", "/etc/pulseway"],
    ),
    tool("Puppet", Manage, &["puppet", "pxp-agent"], &["puppet"], &[], &["/opt/puppetlabs"]),
    tool(
        "QEMU guest agent",
        Manage,
        &["qemu-ga"],
        &["qemu-guest-agent"],
        &[],
        &["/usr/sbin/qemu-ga", "/usr/bin/qemu-ga"],
    ),
    tool(
        "Remote.It",
        In,
        &["remoteit", "connectd"],
        &["remoteit@", "connectd"],
        &[],
        &["/usr/share/remoteit", "/opt/remoteit"],
    ),
    tool(
        "Remotely",
        Control,
        &["Remotely_Agent", "Remotely_Desktop"],
        &["remotely-agent"],
        &[],
        &["/usr/local/bin/Remotely"],
    ),
    tool(
        "Remote Utilities",
        Control,
        &["rutserv", "rut-host"],
        &["rutserv"],
        &[5650],
        &["/opt/remote-utilities", "/usr/bin/remote-utilities"],
    ),
    tool(
        "RustDesk",
        Control,
        &["rustdesk"],
        &["rustdesk"],
        &[21118],
        &["/usr/bin/rustdesk", "/usr/lib/rustdesk", "/usr/share/rustdesk"],
    ),
    seen(tool("SSH", Control, &["sshd"], &[], &[22], &["/usr/sbin/sshd", "/usr/bin/sshd"]), &["sshd-session"]),
    tool("Salt", Manage, &["salt-minion"], &["salt-minion"], &[], &["/usr/bin/salt-minion", "/opt/saltstack"]),
    tool(
        "ScreenConnect",
        Control,
        &["ScreenConnect.ClientService", "connectwisecontrol"],
        &["connectwisecontrol", "screenconnect"],
        &[],
        &["/opt/screenconnect", "/opt/connectwisecontrol"],
    ),
    tool(
        "Splashtop",
        Control,
        &["SRStreamer", "splashtop-streamer", "SRServer"],
        &["SRStreamer", "splashtop-streamer"],
        &[6783],
        &["/opt/splashtop-streamer", "/opt/splashtopstreamer"],
    ),
    tool("Sunshine", Control, &["sunshine"], &["sunshine"], &[47984, 47989, 48010], &["/usr/bin/sunshine"]),
    tool("Supremo", Control, &["supremo", "SupremoSystem"], &["supremo"], &[], &["/opt/supremo", "/usr/bin/supremo"]),
    tool("Syncro", Manage, &["syncro-agent"], &["syncro-agent"], &[], &["/opt/syncro"]),
    tool(
        "Tactical RMM",
        Manage,
        &["tacticalagent"],
        &["tacticalagent"],
        &[],
        &["/usr/local/bin/tacticalagent", "/opt/tacticalagent"],
    ),
    tool("Tailscale", In, &["tailscaled"], &["tailscaled"], &[], &["/usr/sbin/tailscaled"]),
    seen(
        tool(
            "TeamViewer",
            Control,
            &["teamviewerd"],
            &["teamviewerd"],
            &[5938],
            &["/opt/teamviewer", "/usr/bin/teamviewer"],
        ),
        &["TeamViewer_Desktop"],
    ),
    tool("Teleport", In, &["teleport"], &["teleport"], &[3022], &["/usr/local/bin/teleport", "/opt/teleport"]),
    tool("ThinLinc", Control, &["vsmserver", "vsmagent"], &["vsmserver", "vsmagent"], &[904], &["/opt/thinlinc"]),
    tool("VMware Tools", Manage, &["vmtoolsd"], &["open-vm-tools", "vmtoolsd"], &[], &["/usr/bin/vmtoolsd"]),
    tool(
        "VNC",
        Control,
        &[
            "x11vnc",
            "x0vncserver",
            "Xvnc",
            "Xtigervnc",
            "Xtightvnc",
            "Xvnc-core",
            "vncserver-x11-core",
            "vino-server",
            "wayvnc",
            "vncserverui",
            "tightvncserver",
            "w0vncserver",
            "vncagent",
        ],
        &["vncserver-x11-serviced", "vncserver-virtuald", "x11vnc", "vncserver@", "tigervncserver@", "wayvnc"],
        &[5900, 5901, 5902, 5800],
        &[
            "/usr/bin/x11vnc",
            "/usr/bin/x0vncserver",
            "/usr/bin/x0tigervncserver",
            "/usr/bin/Xvnc",
            "/usr/bin/Xtigervnc",
            "/usr/bin/wayvnc",
            "/usr/bin/vncserver-x11",
            "/usr/lib/vino/vino-server",
            "/usr/libexec/vino-server",
        ],
    ),
    tool(
        "VS Code tunnel",
        In,
        &["code-tunnel", "code-tunnel-insiders"],
        &["code-tunnel"],
        &[],
        &["/usr/bin/code-tunnel"],
    ),
    tool(
        "Velociraptor",
        Manage,
        &["velociraptor_client", "velociraptor"],
        &["velociraptor_client"],
        &[],
        &["/usr/local/bin/velociraptor_client", "/opt/velociraptor"],
    ),
    tool("Wazuh", Manage, &["wazuh-execd", "wazuh-agentd"], &["wazuh-agent"], &[], &["/var/ossec"]),
    tool("Webmin", Control, &["miniserv.pl"], &["webmin"], &[10000], &["/usr/share/webmin", "/usr/libexec/webmin"]),
    seen(
        tool(
            "X2Go",
            Control,
            &["x2gocleansessions"],
            &["x2goserver"],
            &[],
            &["/usr/sbin/x2gocleansessions", "/usr/lib/x2go"],
        ),
        &["x2goagent"],
    ),
    tool("Xpra", Control, &["xpra"], &["xpra"], &[14500], &["/usr/bin/xpra"]),
    tool(
        "Zabbix",
        Manage,
        &["zabbix_agentd", "zabbix_agent2"],
        &["zabbix-agent", "zabbix-agent2"],
        &[10050],
        &["/usr/sbin/zabbix_agentd", "/usr/sbin/zabbix_agent2"],
    ),
    tool("ZeroTier", In, &["zerotier-one"], &["zerotier-one"], &[9993], &["/usr/sbin/zerotier-one"]),
    tool(
        "Zoho Assist",
        Control,
        &["ZohoAssist", "ZohoURS", "zaservice"],
        &["zohoassist", "ZohoAssistUnattended"],
        &[],
        &["/opt/zoho-assist", "/usr/local/ZohoAssist"],
    ),
    tool("chisel", In, &["chisel"], &["chisel"], &[], &["/usr/bin/chisel", "/usr/local/bin/chisel"]),
    tool(
        "code-server",
        Control,
        &["code-server"],
        &["code-server@"],
        &[],
        &["/usr/bin/code-server", "/usr/lib/code-server"],
    ),
    tool("frp", In, &["frpc"], &["frpc"], &[], &["/usr/bin/frpc", "/usr/local/bin/frpc"]),
    tool("ngrok", In, &["ngrok"], &["ngrok"], &[], &["/usr/bin/ngrok", "/usr/local/bin/ngrok", "/opt/ngrok"]),
    tool("osquery", Manage, &["osqueryd"], &["osqueryd"], &[], &["/opt/osquery", "/usr/bin/osqueryd"]),
    tool("rport", In, &["rport"], &["rport"], &[], &["/usr/local/bin/rport"]),
    tool("tmate", Control, &["tmate"], &["tmate"], &[], &["/usr/bin/tmate", "/usr/local/bin/tmate"]),
    tool(
        "ttyd",
        Control,
        &["ttyd", "wetty", "gotty", "shellinaboxd"],
        &["ttyd", "wetty", "shellinabox"],
        &[7681, 4200],
        &["/usr/bin/ttyd", "/usr/local/bin/gotty", "/usr/bin/shellinaboxd"],
    ),
    tool("xrdp", Control, &["xrdp"], &["xrdp"], &[3389, 3350], &["/usr/sbin/xrdp"]),
];

/// Names that other programs have too: they count only where the tool's own files are.
pub(super) const COMMON: [&str; 7] = ["chisel", "level", "nagent", "orbit", "puppet", "supremo", "teleport"];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_tool_is_named_once_and_can_be_found() {
        let names: BTreeSet<&str> = ALL.iter().map(|tool| tool.name).collect();
        assert_eq!(names.len(), ALL.len());
        for tool in ALL {
            assert!(!tool.waits.is_empty(), "{}", tool.name);
            assert!(tool.places.iter().all(|place| place.starts_with('/') && !place.ends_with('/')), "{}", tool.name);
            let common = tool.waits.iter().any(|name| COMMON.contains(name));
            assert!(!common || !tool.places.is_empty(), "{}", tool.name);
        }
    }

    #[test]
    fn no_two_tools_claim_the_same_program() {
        let mut claimed = BTreeSet::new();
        for name in ALL.iter().flat_map(|tool| tool.waits.iter().chain(tool.connected)) {
            assert!(claimed.insert(name), "{name}");
        }
    }
}
