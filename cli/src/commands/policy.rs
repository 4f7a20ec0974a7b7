//! `sealgate policy`: policies as their authors work on them, at the desk and in a pipeline.

mod export;
mod files;
mod fmt;
mod import;
mod lint;
mod record;
mod sarif;
mod schema;
mod test;

pub(crate) use self::test::with_two_dashes;

use crate::exit::Failure;

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Look for what is probably not meant: 0 nothing, 1 something, 2 does not load
    Lint(lint::Args),
    /// Rewrite policy files in their usual form, comments and all
    Fmt(fmt::Args),
    /// Run the cases written beside policies: 0 as expected, 1 not, 2 does not load
    Test(test::Args),
    /// Record what is signed about an image, for such cases
    Record(record::Args),
    /// Print the JSON Schema of a kind, for editors
    Schema(schema::Args),
    /// Turn another program's policies into ours: 0 all is said, 1 not all of it, 2 they do not parse
    Import(import::Args),
    /// Turn policies into another program's: 0 all is said, 1 --partial and not all of it, 2 not all can be said
    Export(export::Args),
}

pub(crate) async fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::Lint(args) => lint::run(&args),
        Command::Fmt(args) => fmt::run(&args),
        Command::Test(args) => test::run(args).await,
        Command::Record(args) => record::run(&args).await,
        Command::Schema(args) => schema::run(&args),
        Command::Import(args) => import::run(&args),
        Command::Export(args) => export::run(&args),
    }
}
