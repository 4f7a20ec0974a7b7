//! `sealgate demo`: the whole story on an embedded registry, told by the very commands that a user would type.
//!
//! Every step says beforehand how it must end. A step that ends otherwise ends the demo with exit 1.

mod doors;
mod image;
mod stage;

use oci::ImageRef;

use self::{
    doors::ApiServer,
    stage::{Ends, Stage, surprise},
};
use crate::{exit::Failure, output};

/// Shows what is refused, what is let in and why, at every door, in a few seconds and with nothing else installed.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Keep the folder with keys, policy and layout, and say where it is
    #[arg(long)]
    keep: bool,
}

pub(crate) async fn run(args: Args) -> Result<(), Failure> {
    let stage = Stage::set_up().await?;
    let told = tell(&stage).await;
    if args.keep {
        output::line(format_args!("\nkept: {}", stage.keep().display()));
    }
    told
}

async fn tell(stage: &Stage) -> Result<(), Failure> {
    let shop: ImageRef = stage.image("shop/cart:1.4");
    stage.say(
        "An image in a registry, two key pairs, and a policy that trusts the first of them. Digests are shortened.\n",
    );
    image::push(stage.client(), &shop, "the image that was built").await?;
    stage.step(&["generate-key-pair", "--output-key-prefix", "team"], Ends::With(0)).await?;
    stage.step(&["generate-key-pair", "--output-key-prefix", "stranger"], Ends::With(0)).await?;
    stage.write_policy("team.pub")?;

    stage.chapter("1. Nobody has signed it: every door is shut.");
    refused(stage, &shop, 10, "no signatures found").await?;

    stage.chapter("2. The team signs it: every door opens, and pins the image to what was judged.");
    stage.step(&["sign", "--yes", "--key", "team.key", &shop.to_string()], Ends::With(0)).await?;
    let digest = admitted(stage, &shop).await?;

    stage.chapter("3. The tag is moved to another image: the signature stays behind.");
    image::push(stage.client(), &shop, "something else under the same tag").await?;
    refused(stage, &shop, 10, "no signatures found").await?;

    stage.chapter("4. The team's signature is copied over to it: it names the image it was made for.");
    image::move_signature(stage.client(), &shop, &digest).await?;
    refused(stage, &shop, 12, "image is sha256:").await?;

    stage.chapter("5. A stranger signs it, with a key that the policy does not trust.");
    stage.step(&["sign", "--yes", "--key", "stranger.key", &shop.to_string()], Ends::With(0)).await?;
    refused(stage, &shop, 12, "not by a trusted key").await?;

    stage.chapter("6. The image that the team signed is still let in, by its digest.");
    let by_digest = ImageRef::digested(shop.repository().clone(), digest.into());
    admitted(stage, &by_digest).await?;
    output::line("\nSix chapters, no surprise.");
    Ok(())
}

/// Refused by `verify`, in the pipeline, by the API server's webhook and at the pull.
async fn refused(stage: &Stage, image: &ImageRef, exit: u8, why: &str) -> Result<(), Failure> {
    let name = image.to_string();
    stage.step(&["verify", "--key", "team.pub", "--private-infrastructure", &name], Ends::Saying(exit, why)).await?;
    stage.step(&["check", "--policy", "policy.yaml", &name], Ends::Saying(1, why)).await?;
    ApiServer::start(stage).await?.refuses(stage, image, why).await?;
    stage.step(&["pull", "--policy", "policy.yaml", "--to", "oci:refused", &name], Ends::Saying(1, why)).await?;
    match stage.path("refused").exists() {
        true => Err(surprise("a refused image was written")),
        false => Ok(()),
    }
}

/// Verified, let in, pinned and pulled. Answers the digest that all of them agree on.
async fn admitted(stage: &Stage, image: &ImageRef) -> Result<oci::Digest, Failure> {
    let name = image.to_string();
    stage.step(&["verify", "--key", "team.pub", "--private-infrastructure", &name], Ends::With(0)).await?;
    stage.step(&["check", "--policy", "policy.yaml", &name], Ends::Saying(0, "allowed")).await?;
    let digest = ApiServer::start(stage).await?.admits(stage, image).await?;
    let pulled = digest.to_string();
    let to = if image.digest().is_some() { "oci:by-digest" } else { "oci:by-tag" };
    stage.step(&["pull", "--policy", "policy.yaml", "--to", to, &name], Ends::Saying(0, &pulled)).await?;
    Ok(digest)
}
