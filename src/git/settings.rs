//! What each call of git is told: settings, and which variables of the caller it sees.

use std::process::Command;

/// Settings of every call: what else would start a program, or another git that would.
pub(super) const SETTINGS: [&str; 31] = [
    "core.alternateRefsCommand=false",
    "core.attributesFile=/dev/null",
    "core.editor=false",
    "core.fsmonitor=false",
    "core.hooksPath=/dev/null",
    "core.pager=cat",
    "core.quotePath=false",
    "core.useReplaceRefs=false",
    "commit.gpgSign=false",
    "diff.external=",
    "fetch.recurseSubmodules=false",
    "gc.auto=0",
    "gc.recentObjectsHook=",
    "gpg.openpgp.program=false",
    "gpg.program=false",
    "gpg.ssh.defaultKeyCommand=",
    "gpg.ssh.program=false",
    "gpg.x509.program=false",
    "interactive.diffFilter=",
    "log.showSignature=false",
    "maintenance.auto=false",
    "protocol.ext.allow=never",
    "push.gpgSign=false",
    "push.recurseSubmodules=no",
    "receive.autogc=false",
    "receive.denyCurrentBranch=refuse",
    "safe.bareRepository=explicit",
    "sequence.editor=false",
    "submodule.recurse=false",
    "tag.gpgSign=false",
    "transfer.bundleURI=false",
];
/// The same for repositories of others: they reach no server.
pub(super) const LOCAL: [&str; 4] =
    ["core.askPass=false", "core.sshCommand=false", "credential.helper=", "protocol.allow=never"];
/// The transports that a server is reached by, unless the user's `GIT_ALLOW_PROTOCOL` names others.
pub(super) const TRANSPORTS: &str = "file:git:http:https:ssh";

/// Variables that git gets from the caller: who commits, how servers are reached, the user's own configuration, traces. A name
/// that ends with `_` stands for all that begin with it. Every other `GIT_…` is left out: hooks that run us point git at another
/// repository, index or namespace, and some change what objects mean (`GIT_REPLACE_REF_BASE`, `GIT_ATTR_SOURCE`).
const KEPT: [&str; 25] = [
    "GIT_ASKPASS",
    "GIT_AUTHOR_",
    "GIT_CEILING_DIRECTORIES",
    "GIT_COMMITTER_",
    "GIT_CONFIG_COUNT",
    "GIT_CONFIG_GLOBAL",
    "GIT_CONFIG_KEY_",
    "GIT_CONFIG_NOSYSTEM",
    "GIT_CONFIG_PARAMETERS",
    "GIT_CONFIG_SYSTEM",
    "GIT_CONFIG_VALUE_",
    "GIT_CURL_VERBOSE",
    "GIT_DISCOVERY_ACROSS_FILESYSTEM",
    "GIT_EXEC_PATH",
    "GIT_HTTP_",
    "GIT_PROTOCOL",
    "GIT_PROTOCOL_FROM_USER",
    "GIT_PROXY_",
    "GIT_SSH",
    "GIT_SSH_COMMAND",
    "GIT_SSH_VARIANT",
    "GIT_SSL_",
    "GIT_TRACE",
    "GIT_TRACE_",
    "GIT_TRACE2",
];

/// Sets the variables of a call.
pub(super) fn environment(command: &mut Command) {
    let kept = |name: &str| KEPT.iter().any(|kept| *kept == name || kept.ends_with('_') && name.starts_with(kept));
    for (name, _) in std::env::vars_os() {
        let upper = name.to_string_lossy().to_ascii_uppercase();
        if upper.starts_with("GIT_") && !kept(&upper) {
            command.env_remove(name);
        }
    }
    for name in ["GIT_NO_LAZY_FETCH", "GIT_ATTR_NOSYSTEM", "GIT_NO_REPLACE_OBJECTS"] {
        command.env(name, "1");
    }
    command.env("GIT_TERMINAL_PROMPT", "0").env("LC_ALL", "C");
}
