//! The person's own tasks: storage, printing, programs.
