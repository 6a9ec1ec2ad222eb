mod channels;
mod fake;
mod lines;
mod readers;
mod setup;
