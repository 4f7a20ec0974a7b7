//! Where two verifiers may answer differently about an altered bundle, and why.

/// Where a good bundle may be altered so that one of us takes it and the other does not, who does, and why.
pub(crate) const ALTERED: [(&str, bool, &str); 9] = [
    ("/mediaType", false, "it reads a bundle that names no version of the format"),
    (STAMPS, false, "it takes an empty list for an empty object"),
    (STAMP, true, "one bad timestamp is set aside where the log's time is there, it refuses the bundle"),
    (STAMP_BYTES, true, "likewise"),
    (INTEGRATED, true, "an entry proven by inclusion needs no time of its own beside a timestamp; it reads no null"),
    ("/verificationMaterial/tlogEntries/0/inclusionProof/rootHash", false, "it reads the checkpoint's alone"),
    ("/verificationMaterial/tlogEntries/0/inclusionProof/treeSize", false, "it reads the checkpoint's alone"),
    ("/verificationMaterial/tlogEntries/0/logIndex", false, "an index that no promise covers it compares with nothing"),
    ("/verificationMaterial/tlogEntries/0/logId/keyId", false, "it finds a log of version 2 by its origin alone"),
];
const STAMPS: &str = "/verificationMaterial/timestampVerificationData";
const STAMP: &str = "/verificationMaterial/timestampVerificationData/rfc3161Timestamps/0";
const STAMP_BYTES: &str = "/verificationMaterial/timestampVerificationData/rfc3161Timestamps/0/signedTimestamp";
const INTEGRATED: &str = "/verificationMaterial/tlogEntries/0/integratedTime";
