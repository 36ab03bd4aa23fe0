//! What other products call fields and kinds of events: Sysmon, Sigma, Defender, Windows' own events, CIM, and the Elastic
//! Common Schema where the language has another name.

use super::fields::{FieldId, Kind};

/// Leads of columns about processes, longest first, and whether they name the parent of the event's process. Defender's
/// `InitiatingProcess` is the parent where a process starts, and the event's process elsewhere.
const LEADS: [(&str, Whose); 8] = [
    ("initiatingprocessparent", Whose::Parent),
    ("initiatingprocess", Whose::Initiating),
    ("processparent", Whose::Parent),
    ("parentprocess", Whose::Parent),
    ("newprocess", Whose::Own),
    ("process", Whose::Own),
    ("parent", Whose::Parent),
    ("", Whose::Own),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Whose {
    Own,
    Parent,
    Initiating,
}

/// What follows such a lead, with our field of the event's process.
const PARTS: [(&str, &str); 33] = [
    ("", "command_line"),
    ("args", "argument"),
    ("arguments", "argument"),
    ("cmdline", "command_line"),
    ("commandline", "command_line"),
    ("company", "process.pe.company"),
    ("currentdirectory", "process.working_directory"),
    ("description", "process.pe.description"),
    ("exe", "executable"),
    ("executable", "executable"),
    ("filename", "process.name"),
    ("folderpath", "executable"),
    ("guid", "process.entity_id"),
    ("id", "process.pid"),
    ("image", "executable"),
    ("imagename", "process.name"),
    ("md5", "process.hash.md5"),
    ("name", "process.name"),
    ("originalfilename", "original_name"),
    ("path", "executable"),
    ("pid", "process.pid"),
    ("product", "process.pe.product"),
    ("sha1", "process.hash.sha1"),
    ("sha256", "process.hash.sha256"),
    ("signaturestatus", "process.code_signature.status"),
    ("title", "command_line"),
    ("uniqueid", "process.entity_id"),
    ("versioninfocompanyname", "process.pe.company"),
    ("versioninfofiledescription", "process.pe.description"),
    ("versioninfooriginalfilename", "original_name"),
    ("versioninfoproductname", "process.pe.product"),
    ("workingdir", "process.working_directory"),
    ("workingdirectory", "process.working_directory"),
];

/// All other names, in small letters without `_` and `.` unless these tell two names apart, with our fields. The first one that the kind of event has is meant.
const OTHERS: [(&str, &[&str]); 60] = [
    ("accountdomain", &["user.domain"]),
    ("accountname", &["user.name"]),
    ("accountsid", &["user.id"]),
    ("action", &["file.action", "network.direction"]),
    ("actiontype", &["file.action", "network.direction"]),
    ("computer", &["host.name"]),
    ("computername", &["host.name"]),
    ("dest", &["host.name"]),
    ("destinationhostname", &["destination.domain"]),
    ("destinationip", &["destination.ip"]),
    ("destinationport", &["destination.port"]),
    ("destip", &["destination.ip"]),
    ("destport", &["destination.port"]),
    ("devicename", &["host.name"]),
    ("direction", &["network.direction"]),
    ("dllname", &["dll.name"]),
    ("dllpath", &["dll.path"]),
    ("dvc", &["host.name"]),
    ("fileextension", &["file.extension"]),
    ("filename", &["file.name", "dll.name"]),
    ("filepath", &["file.path", "dll.path"]),
    ("filesize", &["file.size"]),
    ("folderpath", &["file.path", "dll.path"]),
    ("hostname", &["host.name"]),
    ("imageloaded", &["dll.path"]),
    ("initiated", &["network.direction"]),
    ("initiatingprocessaccountdomain", &["user.domain"]),
    ("initiatingprocessaccountname", &["user.name"]),
    ("initiatingprocessaccountsid", &["user.id"]),
    ("localip", &["source.ip"]),
    ("localport", &["source.port"]),
    ("md5", &["file.hash.md5", "dll.hash.md5"]),
    ("newprocessname", &["executable"]),
    // In CIM it is a name, in Windows' own events a path.
    ("parent_process_name", &["parent.name"]),
    ("parentprocessname", &["parent.executable"]),
    ("path", &["script.path"]),
    ("protocol", &["network.transport"]),
    ("remoteip", &["destination.ip"]),
    ("remoteport", &["destination.port"]),
    ("remoteurl", &["destination.domain"]),
    ("scriptblocktext", &["script.text"]),
    ("sha1", &["file.hash.sha1", "dll.hash.sha1"]),
    ("sha256", &["file.hash.sha256", "dll.hash.sha256"]),
    ("signature", &["dll.code_signature.subject_name"]),
    ("signaturestatus", &["dll.code_signature.status"]),
    ("sourceip", &["source.ip"]),
    ("sourceport", &["source.port"]),
    ("srcip", &["source.ip"]),
    ("srcport", &["source.port"]),
    ("subjectdomainname", &["user.domain"]),
    ("subjectusername", &["user.name"]),
    ("subjectusersid", &["user.id"]),
    ("targetdomainname", &["user.domain"]),
    ("targetfilename", &["file.path"]),
    ("targetusername", &["user.name"]),
    ("targetusersid", &["user.id"]),
    ("time", &["event.time"]),
    ("timegenerated", &["event.time"]),
    ("timestamp", &["event.time"]),
    ("transport", &["network.transport"]),
];

/// Kinds of events, in small letters without `_`.
const KINDS: [(&str, Kind); 16] = [
    ("processcreation", Kind::Process),
    ("processcreate", Kind::Process),
    ("deviceprocessevents", Kind::Process),
    ("fileevent", Kind::File),
    ("filecreate", Kind::File),
    ("filedelete", Kind::File),
    ("filerename", Kind::File),
    ("devicefileevents", Kind::File),
    ("imageload", Kind::Library),
    ("dll", Kind::Library),
    ("deviceimageloadevents", Kind::Library),
    ("networkconnection", Kind::Network),
    ("connection", Kind::Network),
    ("devicenetworkevents", Kind::Network),
    ("psscript", Kind::Script),
    ("powershell", Kind::Script),
];

/// Returns our name of a field that another product calls differently, in events of one of these kinds.
#[must_use]
pub fn field(name: &str, kinds: &[Kind]) -> Option<&'static str> {
    let has = |field: &FieldId| kinds.iter().any(|kind| field.def().has_kind(*kind));
    let lower = name.to_ascii_lowercase();
    let lower = lower.strip_prefix("winlog.event_data.").unwrap_or(&lower);
    let plain = lower.replace(['_', '.'], "");
    let others = OTHERS.iter().filter(|(theirs, _)| *theirs == lower || *theirs == plain).flat_map(|(_, ours)| *ours);
    let mut fields = others.filter_map(|ours| FieldId::find(ours)).filter(has).chain(of_a_process(&plain, kinds));
    fields.next().map(FieldId::short)
}

/// The field of a process that a column names.
fn of_a_process(name: &str, kinds: &[Kind]) -> Option<FieldId> {
    let part = |lead: &str| {
        let rest = name.strip_prefix(lead)?;
        // Without a lead, these say nothing of a process.
        let vague = lead.is_empty() && matches!(rest, "" | "id" | "name" | "path" | "title");
        let (_, ours) = PARTS.iter().find(|(theirs, _)| *theirs == rest && !vague)?;
        FieldId::find(ours)
    };
    let (field, whose) = LEADS.iter().find_map(|(lead, whose)| Some((part(lead)?, whose)))?;
    match whose {
        Whose::Parent => field.of_parent(),
        Whose::Initiating if kinds == [Kind::Process] => field.of_parent(),
        _ => Some(field),
    }
}

/// Returns the kind of event that another product calls differently.
#[must_use]
pub fn kind(name: &str) -> Option<Kind> {
    let name = name.to_ascii_lowercase().replace('_', "");
    KINDS.iter().find(|(theirs, _)| *theirs == name).map(|(_, kind)| *kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_is_the_field_that_it_is_in_this_kind_of_event() {
        for (kind, theirs, ours) in [
            (Kind::Process, "FileName", "process.name"),
            (Kind::File, "FileName", "file.name"),
            (Kind::Library, "FileName", "dll.name"),
            (Kind::Network, "FileName", "process.name"),
            (Kind::Process, "FolderPath", "executable"),
            (Kind::File, "SHA256", "file.hash.sha256"),
            (Kind::Process, "InitiatingProcessFileName", "parent.name"),
            (Kind::File, "InitiatingProcessFileName", "process.name"),
            (Kind::File, "InitiatingProcessParentFileName", "parent.name"),
            (Kind::Process, "process.args", "argument"),
            (Kind::Process, "process.parent.args", "parent.argument"),
            (Kind::Process, "Description", "process.pe.description"),
            (Kind::Process, "winlog.event_data.ParentCommandLine", "parent.command_line"),
            (Kind::Process, "NewProcessName", "executable"),
            (Kind::Process, "ParentProcessName", "parent.executable"),
            (Kind::Process, "parent_process_name", "parent.name"),
            (Kind::Process, "process_name", "process.name"),
            (Kind::Script, "Path", "script.path"),
        ] {
            assert_eq!(field(theirs, &[kind]), Some(ours), "{theirs} of {kind:?}");
        }
        for name in ["", "id", "name", "path", "IntegrityLevel", "TargetObject"] {
            assert_eq!(field(name, &[Kind::Process]), None, "{name}");
        }
    }

    #[test]
    fn every_name_leads_to_a_field() {
        let others = OTHERS.iter().flat_map(|(_, ours)| *ours);
        for ours in others.chain(PARTS.iter().map(|(_, ours)| ours)) {
            assert!(FieldId::find(ours).is_some(), "{ours}");
        }
    }
}
