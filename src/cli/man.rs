//! `arcanary man`

use super::{Cli, Exit, complain, print_as_is, there_is_no};
use clap::{Args, CommandFactory as _};

/// Print a manual page
#[derive(Args)]
pub struct Man {
    /// Print the page of this subcommand, such as `build` or `targets show`
    #[arg(value_name = "COMMAND")]
    command: Vec<String>,
}

impl Man {
    pub fn run(&self) -> Exit {
        // `help` prints what the pages say: it needs no page.
        let mut page = Cli::command().disable_help_subcommand(true);
        page.build();
        for name in &self.command {
            let Some(found) = page.find_subcommand(name) else {
                return there_is_no("subcommand", name, page.get_subcommands().map(clap::Command::get_name));
            };
            page = found.clone();
        }
        let mut out = vec![];
        let source = concat!("arcanary ", env!("CARGO_PKG_VERSION"));
        match clap_mangen::Man::new(page).source(source).render(&mut out) {
            Ok(()) => {
                print_as_is(&String::from_utf8_lossy(&out));
                Exit::Fine
            }
            Err(error) => complain(&error.to_string()),
        }
    }
}
