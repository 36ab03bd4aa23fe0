//! The receipt that a fetched pack carries: what was unpacked, so that an edited file is found.

use crate::file_names::is_plain;
use crate::files::{self, files_in};
use crate::hash;
use semver::Version;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// What unpacked sources carry, so that an update knows what it may replace.
pub const RECEIPT: &str = ".arcanary-pack.json";

/// What was unpacked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// The pack.
    pub pack: String,
    /// Its version.
    pub version: Version,
    /// The hash of each file, by its path.
    pub files: BTreeMap<String, String>,
}

/// The receipt of a folder that holds what was unpacked there, and nothing else.
///
/// # Errors
/// What differs.
pub fn as_fetched(folder: &Path) -> Result<Receipt, String> {
    let receipt = match receipt(folder)? {
        Some(receipt) => receipt,
        None if folder.is_dir() => return Err(format!("it has no {RECEIPT}")),
        None => return Err("there is no such folder".to_owned()),
    };
    let names = files_in(folder).map_err(|why| why.to_string())?;
    if let Some(name) = receipt.files.keys().find(|name| !names.contains(*name)) {
        return Err(format!("`{name}` is missing"));
    }
    unchanged(folder, &names, &receipt)?;
    Ok(receipt)
}

/// The receipt in a folder; `None` if it has none.
///
/// # Errors
/// It cannot be read.
pub fn receipt(folder: &Path) -> Result<Option<Receipt>, String> {
    let Some(bytes) = files::read(folder, RECEIPT).map_err(|why| why.to_string())? else { return Ok(None) };
    serde_json::from_slice(&bytes).map(Some).map_err(|why| format!("{RECEIPT} cannot be read: {why}"))
}

/// Whether a folder's files are as they were fetched: all that are the pack's, and no others but hidden ones.
///
/// # Errors
/// The first file that differs.
pub fn unchanged(folder: &Path, names: &BTreeSet<String>, receipt: &Receipt) -> Result<(), String> {
    let mut read = names.iter().filter(|name| receipt.files.contains_key(*name) || !is_hidden(name));
    read.try_for_each(|name| as_received(folder, name, receipt))
}

/// Editors and systems leave hidden files, which no project reads, and no pack's sums count.
#[must_use]
pub fn is_hidden(name: &str) -> bool {
    name.split('/').any(|part| part.starts_with('.'))
}

/// Whether a pack may hold a file of this name. Hidden ones belong to those who take the pack: their editors, shells and
/// version control read them. The receipts of packs inside it are the exception.
#[must_use]
pub fn may_hold(name: &str) -> bool {
    name != RECEIPT && !is_hidden(name.strip_suffix(RECEIPT).unwrap_or(name))
}

/// Whether a file is one of a receipt.
fn as_received(folder: &Path, name: &str, receipt: &Receipt) -> Result<(), String> {
    let Some(hash) = receipt.files.get(name).filter(|_| is_plain(name)) else {
        return Err(format!("`{name}` does not belong to the pack"));
    };
    match files::read(folder, name) {
        Ok(Some(bytes)) if hash::of_bytes(&bytes) == *hash => Ok(()),
        Ok(_) => {
            Err(format!("`{name}` was edited since it was fetched: a `tune` in a file of your own is kept by updates"))
        }
        Err(why) => Err(why.to_string()),
    }
}
