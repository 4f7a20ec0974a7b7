//! A signed image on a shelf behind a hostile server, and what must come of it at every door.

use std::{
    fmt::Write as _,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use keys::PrivateKey;

use super::{Answer, Door, Doors, Image, Server, Shelf};

/// How every door must end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ends {
    /// It could not decide: what the registry did says nothing about the image's signatures.
    Undecided,
    /// There are signatures, and none counts.
    Denied,
    /// There is no signature.
    Unsigned,
}

impl Ends {
    fn code(self, door: Door) -> i32 {
        match (door, self) {
            (Door::Verify, Self::Denied) => 12,
            (Door::Verify, Self::Unsigned) => 10,
            (Door::Check, Self::Undecided) => 3,
            (Door::Verify | Door::Check | Door::Pull, _) => 1,
            (Door::Webhook, Self::Undecided) => 503,
            (Door::Webhook, _) => 400,
        }
    }
}

/// One fault, and what must be said of it.
#[derive(Debug, Clone, Copy)]
pub struct Case<'a> {
    /// What it is called when it is not refused.
    pub name: &'a str,
    /// How every door ends.
    pub ends: Ends,
    /// The reason that every door must give.
    pub says: &'a str,
}

/// The parts of a case, put together by [`Scene::play`].
pub struct Scene {
    /// What the registry answers.
    pub shelf: Shelf,
    /// The image under the tag.
    pub image: Image,
    /// The key that the doors trust.
    pub key: PrivateKey,
    /// The doors.
    pub doors: Doors,
}

impl Scene {
    /// An image that nobody has signed, on a registry in good order.
    ///
    /// # Panics
    /// If no key can be made.
    #[must_use]
    pub fn unsigned(program: &str) -> Self {
        let key = PrivateKey::generate().expect("the system has randomness");
        let image = Image::of("the image that was built");
        let doors = Doors::new(program, &key.public().to_pem());
        Self { shelf: Shelf::holding(&image), image, key, doors }
    }

    /// The same, signed by the trusted key.
    #[must_use]
    pub fn signed(program: &str) -> Self {
        let mut scene = Self::unsigned(program);
        scene.shelf.sign(&scene.image, &scene.key);
        scene
    }

    /// Another image takes the place of the one under the tag.
    pub fn replace(&mut self, image: Image) {
        self.shelf = Shelf::holding(&image);
        self.image = image;
    }

    /// Serves the shelf in plain HTTP.
    #[must_use]
    pub fn serve(&self) -> Server {
        let shelf = self.shelf.clone();
        Server::http(move |seen| shelf.answer(seen))
    }

    /// Serves the shelf in HTTPS; the doors trust its authority and no other.
    #[must_use]
    pub fn serve_https(&mut self) -> Server {
        let shelf = self.shelf.clone();
        let server = Server::https(move |seen| shelf.answer(seen));
        let authority = server.authority().expect("it serves https").certificate();
        let path = self.doors.write("registry.pem", authority);
        self.doors.flag("--registry-cacert", &path);
        server
    }

    /// Every door refuses the image on this server, each as it must, in time and within its memory.
    ///
    /// # Panics
    /// With everything that was found wrong.
    #[track_caller]
    pub fn play(&self, case: Case<'_>, server: &Server) {
        let name = Shelf::name(&server.address()).to_string();
        let mut wrong = String::new();
        for door in Door::ALL {
            let answer = self.doors.ask(door, &name);
            let mut objections = objections(&answer, self.doors_baseline(door));
            let code = case.ends.code(door);
            if answer.code != code {
                objections.push(format!("ended with {}, wanted {code}", answer.code));
            }
            if !answer.said.contains(case.says) {
                objections.push(format!("did not say `{}`", case.says));
            }
            if door == Door::Pull && self.doors.layout().join("index.json").exists() {
                objections.push("wrote an image".to_owned());
            }
            if !objections.is_empty() {
                let said = answer.said.chars().take(3000).collect::<String>();
                write!(wrong, "\n{door:?}: {}\n{said}\n", objections.join(", ")).expect("a string can be written");
            }
        }
        assert!(wrong.is_empty(), "{}: {wrong}", case.name);
    }

    /// What a door needs for a signed image on a registry in good order, in KiB. Found out once for each door.
    fn doors_baseline(&self, door: Door) -> u64 {
        static FOUND: Mutex<[Option<u64>; 4]> = Mutex::new([None; 4]);
        let mut found = FOUND.lock().unwrap_or_else(PoisonError::into_inner);
        *found[door as usize].get_or_insert_with(|| {
            let scene = Self::signed(self.doors.program());
            let server = scene.serve();
            let answer = scene.doors.ask(door, &Shelf::name(&server.address()).to_string());
            assert_eq!(answer.code, 0, "{door:?} refuses a good image: {}", answer.said);
            answer.peak
        })
    }

    /// Every door lets in this image of the server's, in time and within its memory.
    ///
    /// # Panics
    /// With everything that was found wrong.
    #[track_caller]
    pub fn let_in(&self, server: &Server, image: &Image) {
        let name = Shelf::name(&server.address()).to_string();
        for door in Door::ALL {
            let answer = self.doors.ask(door, &name);
            let objections = objections(&answer, self.doors_baseline(door));
            assert!(objections.is_empty(), "{door:?}: {}\n{}", objections.join(", "), answer.said);
            assert_eq!(answer.code, 0, "{door:?}: {}", answer.said);
            assert_eq!(answer.pinned, Some(image.digest.to_string()), "{door:?}: {}", answer.said);
        }
    }
}

/// What no answer may be, however it ends: late, large, or broken.
fn objections(answer: &Answer, baseline: u64) -> Vec<String> {
    let mut objections = Vec::new();
    if answer.said.contains("panicked") {
        objections.push("panicked".to_owned());
    }
    if answer.took > LATE {
        objections.push(format!("took {:?}", answer.took));
    }
    let more = answer.peak.saturating_sub(baseline);
    if more > MORE {
        objections.push(format!("took {more} KiB more than the {baseline} KiB for a good image, allowed are {MORE}"));
    }
    objections
}

/// Much later than any deadline that a case sets, and much earlier than the default ones.
const LATE: Duration = Duration::from_secs(25);
/// 32 MiB.
const MORE: u64 = 32 * 1024;
