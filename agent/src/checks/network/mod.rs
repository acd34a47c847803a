//! Internet and local network.

mod address;
pub(super) mod captive_portal;
mod card;
pub(super) mod connections;
pub(super) mod dns;
pub(super) mod duplicates;
pub(super) mod errors;
pub(super) mod firewall_blocks;
pub(super) mod gateway;
mod handshake;
pub(super) mod hosts;
mod http;
pub(super) mod interfaces;
pub(super) mod internet;
pub(super) mod ipv6;
pub(super) mod lease;
pub(super) mod limits;
pub(super) mod mtu;
pub(super) mod path;
mod ping;
pub(super) mod probe;
pub(super) mod proxy;
pub(super) mod relay;
mod resolve;
mod route;
pub(super) mod routes;
mod sockets;
mod targets;
pub(super) mod tls;
mod trust;
pub(super) mod vpn;
pub(super) mod wifi;

use std::marker::PhantomData;

use super::{Of, Runner};

/// Every check of this area.
pub(super) const ALL: &[&dyn Runner] = &[
    &Of::<captive_portal::CaptivePortal>(PhantomData),
    &Of::<connections::Connections>(PhantomData),
    &Of::<dns::Dns>(PhantomData),
    &Of::<duplicates::Duplicates>(PhantomData),
    &Of::<errors::Errors>(PhantomData),
    &Of::<firewall_blocks::FirewallBlocks>(PhantomData),
    &Of::<gateway::Gateway>(PhantomData),
    &Of::<hosts::Hosts>(PhantomData),
    &Of::<interfaces::Interfaces>(PhantomData),
    &Of::<internet::Internet>(PhantomData),
    &Of::<ipv6::Ipv6>(PhantomData),
    &Of::<lease::Lease>(PhantomData),
    &Of::<limits::Limits>(PhantomData),
    &Of::<mtu::Mtu>(PhantomData),
    &Of::<path::Path>(PhantomData),
    &Of::<proxy::Proxy>(PhantomData),
    &Of::<relay::Relay>(PhantomData),
    &Of::<routes::Routes>(PhantomData),
    &Of::<tls::Tls>(PhantomData),
    &Of::<vpn::Vpn>(PhantomData),
    &Of::<wifi::Wifi>(PhantomData),
];
