//! The person's own tasks: storage, printing, programs, sound, pictures, copies of their data.

mod age;
pub(super) mod backups;
pub(super) mod bluetooth_devices;
pub(super) mod browsers;
pub(super) mod caches;
pub(super) mod camera_apps;
pub(super) mod cloud_sync;
pub(super) mod default_programs;
pub(super) mod display_resolution;
pub(super) mod everyday_programs;
mod home;
mod installed;
mod ipp;
pub(super) mod language_keyboard;
pub(super) mod mail_ports;
pub(super) mod mail_programs;
pub(super) mod microphone;
pub(super) mod old_downloads;
pub(super) mod print_queues;
pub(super) mod printer_reach;
pub(super) mod printing;
pub(super) mod removable_drives;
mod running;
pub(super) mod scanners;
mod sound;
pub(super) mod sound_output;
pub(super) mod space;
pub(super) mod temporary_files;
pub(super) mod trash;
mod walk;

use std::marker::PhantomData;

use super::{Of, Runner};

/// Every check of this area.
pub(super) const ALL: &[&dyn Runner] = &[
    &Of::<backups::Backups>(PhantomData),
    &Of::<bluetooth_devices::BluetoothDevices>(PhantomData),
    &Of::<browsers::Browsers>(PhantomData),
    &Of::<caches::Caches>(PhantomData),
    &Of::<camera_apps::CameraApps>(PhantomData),
    &Of::<cloud_sync::CloudSync>(PhantomData),
    &Of::<default_programs::DefaultPrograms>(PhantomData),
    &Of::<display_resolution::DisplayResolution>(PhantomData),
    &Of::<everyday_programs::EverydayPrograms>(PhantomData),
    &Of::<language_keyboard::LanguageKeyboard>(PhantomData),
    &Of::<mail_ports::MailPorts>(PhantomData),
    &Of::<mail_programs::MailPrograms>(PhantomData),
    &Of::<microphone::Microphone>(PhantomData),
    &Of::<old_downloads::OldDownloads>(PhantomData),
    &Of::<print_queues::PrintQueues>(PhantomData),
    &Of::<printer_reach::PrinterReach>(PhantomData),
    &Of::<printing::Printing>(PhantomData),
    &Of::<removable_drives::RemovableDrives>(PhantomData),
    &Of::<scanners::Scanners>(PhantomData),
    &Of::<sound_output::SoundOutput>(PhantomData),
    &Of::<space::Space>(PhantomData),
    &Of::<temporary_files::TemporaryFiles>(PhantomData),
    &Of::<trash::Trash>(PhantomData),
];
