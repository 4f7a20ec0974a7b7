//! Which daemon is meant, by the rules of Docker's CLI: `-c`, `-H`, `DOCKER_HOST`, `DOCKER_CONTEXT`, the current
//! context of `config.json`, and the local socket, in this order.

use std::{
    fs,
    path::{Path, PathBuf},
};

use oci::Digest;
use serde_json::Value;

const DEFAULT_SOCKET: &str = "/var/run/docker.sock";
const DEFAULT_CONTEXT: &str = "default";
const MAX_FILE: u64 = 1024 * 1024;

/// How a daemon is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DockerHost {
    /// A Unix socket.
    Socket(PathBuf),
    /// Plain HTTP to this address, `host:port`.
    Tcp(String),
}

/// What the command line and the environment say about the daemon.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// `-c`, a context's name.
    pub context_flag: Option<String>,
    /// `-H`.
    pub host_flag: Option<String>,
    /// `DOCKER_HOST`.
    pub host_variable: Option<String>,
    /// `DOCKER_CONTEXT`.
    pub context_variable: Option<String>,
    /// Docker's folder, `~/.docker` or `DOCKER_CONFIG`.
    pub config_folder: Option<PathBuf>,
}

impl DockerHost {
    /// Finds the daemon that is meant.
    ///
    /// # Errors
    /// Fails if `-c` and `-H` are both given, if a context does not exist or cannot be read, and on addresses that
    /// are neither `unix://` nor `tcp://`.
    pub fn find(wanted: &Wanted) -> Result<Self, DockerHostError> {
        let Wanted { context_flag, host_flag, host_variable, context_variable, config_folder } = wanted;
        let nonempty = |text: &Option<String>| text.clone().filter(|t| !t.is_empty());
        match (nonempty(context_flag), nonempty(host_flag)) {
            (Some(_), Some(_)) => return Err(DockerHostError::Both),
            (Some(context), None) => return Self::of_context(&context, config_folder.as_deref()),
            (None, Some(host)) => return host.parse(),
            (None, None) => {}
        }
        if let Some(host) = nonempty(host_variable) {
            return host.parse();
        }
        let context = match nonempty(context_variable) {
            Some(context) => context,
            None => current_context(config_folder.as_deref())?,
        };
        Self::of_context(&context, config_folder.as_deref())
    }

    fn of_context(name: &str, folder: Option<&Path>) -> Result<Self, DockerHostError> {
        if name == DEFAULT_CONTEXT {
            return Ok(Self::Socket(DEFAULT_SOCKET.into()));
        }
        let missing = || DockerHostError::NoContext { name: name.to_owned() };
        let id = Digest::of(name.as_bytes()).hex();
        let path = folder.ok_or_else(missing)?.join("contexts/meta").join(id).join("meta.json");
        let meta = read_json(&path)?.ok_or_else(missing)?;
        match meta.pointer("/Endpoints/docker/Host").and_then(Value::as_str) {
            Some(host) if !host.is_empty() => host.parse(),
            _ => Ok(Self::Socket(DEFAULT_SOCKET.into())),
        }
    }
}

impl std::str::FromStr for DockerHost {
    type Err = DockerHostError;

    fn from_str(text: &str) -> Result<Self, DockerHostError> {
        let unsupported = || DockerHostError::Unsupported { found: text.chars().take(100).collect() };
        match text.split_once("://") {
            Some(("unix", path)) => Ok(Self::Socket(if path.is_empty() { DEFAULT_SOCKET } else { path }.into())),
            Some(("tcp", address)) if !address.is_empty() && !address.contains('/') => {
                Ok(Self::Tcp(if address.contains(':') { address.to_owned() } else { format!("{address}:2375") }))
            }
            _ => Err(unsupported()),
        }
    }
}

fn current_context(folder: Option<&Path>) -> Result<String, DockerHostError> {
    let Some(folder) = folder else { return Ok(DEFAULT_CONTEXT.to_owned()) };
    let config = read_json(&folder.join("config.json"))?;
    let name = config.as_ref().and_then(|config| config.get("currentContext")).and_then(Value::as_str);
    Ok(name.filter(|name| !name.is_empty()).unwrap_or(DEFAULT_CONTEXT).to_owned())
}

fn read_json(path: &Path) -> Result<Option<Value>, DockerHostError> {
    let unreadable = |why: String| DockerHostError::Unreadable { path: path.to_owned(), why };
    match fs::metadata(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Ok(meta) if meta.len() > MAX_FILE => return Err(unreadable("it is larger than 1 MiB".to_owned())),
        _ => {}
    }
    let bytes = fs::read(path).map_err(|error| unreadable(error.to_string()))?;
    serde_json::from_slice(&bytes).map(Some).map_err(|error| unreadable(error.to_string()))
}

/// Why no daemon can be told.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DockerHostError {
    /// Two answers to one question.
    #[error("both a host and a context given, wanted one")]
    Both,
    /// No such context.
    #[error("context `{name}` not found")]
    NoContext {
        /// Its name.
        name: String,
    },
    /// A file of Docker's cannot be read.
    #[error("`{}` cannot be read: {why}", .path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// An address of another kind.
    #[error("daemon address `{found}` is not supported, wanted unix://PATH or tcp://HOST:PORT")]
    Unsupported {
        /// The address.
        found: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder_with(context: &str, host: &str, config: &str) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        let meta = dir.path().join("contexts/meta").join(Digest::of(context.as_bytes()).hex());
        fs::create_dir_all(&meta).unwrap();
        let text = format!(r#"{{"Name":"{context}","Endpoints":{{"docker":{{"Host":"{host}"}}}}}}"#);
        fs::write(meta.join("meta.json"), text).unwrap();
        fs::write(dir.path().join("config.json"), config).unwrap();
        dir
    }

    fn socket(path: &str) -> DockerHost {
        DockerHost::Socket(path.into())
    }

    #[test]
    fn flags_come_before_the_environment_and_that_before_the_file() {
        let dir = folder_with("there", "unix:///there.sock", r#"{"currentContext":"there"}"#);
        let mut wanted = Wanted { config_folder: Some(dir.path().to_owned()), ..Wanted::default() };
        assert_eq!(DockerHost::find(&wanted), Ok(socket("/there.sock")));
        wanted.context_variable = Some("default".into());
        assert_eq!(DockerHost::find(&wanted), Ok(socket(DEFAULT_SOCKET)));
        wanted.host_variable = Some("tcp://127.0.0.1:1".into());
        assert_eq!(DockerHost::find(&wanted), Ok(DockerHost::Tcp("127.0.0.1:1".into())));
        wanted.context_flag = Some("there".into());
        assert_eq!(DockerHost::find(&wanted), Ok(socket("/there.sock")));
        wanted.context_flag = None;
        wanted.host_flag = Some("unix:///flag.sock".into());
        assert_eq!(DockerHost::find(&wanted), Ok(socket("/flag.sock")));
    }

    #[test]
    fn host_and_context_flags_together_are_refused() {
        let wanted = Wanted { context_flag: Some("a".into()), host_flag: Some("unix://b".into()), ..Wanted::default() };
        assert_eq!(DockerHost::find(&wanted), Err(DockerHostError::Both));
    }

    #[test]
    fn unknown_context_and_other_schemes_are_refused() {
        let wanted = Wanted { context_flag: Some("nowhere".into()), ..Wanted::default() };
        assert!(matches!(DockerHost::find(&wanted), Err(DockerHostError::NoContext { .. })));
        for text in ["ssh://host", "host:2375", "tcp://", "tcp://a/b"] {
            assert!(matches!(text.parse::<DockerHost>(), Err(DockerHostError::Unsupported { .. })), "{text}");
        }
    }
}
