use super::*;

fn bytes(text: &'static str) -> [Bytes; 1] {
    [Bytes::from_static(text.as_bytes())]
}

#[test]
fn what_was_synced_survives_every_power_loss_and_the_rest_is_a_first_part() {
    for seed in 0..200 {
        let disk = FaultDisk::new(seed);
        let mut file = disk.blobs().append_file("reels/a/0.m4s").unwrap();
        file.append(&bytes("kept")).unwrap();
        file.sync_data().unwrap();
        file.append(&bytes("lost")).unwrap();
        disk.restart(Death::Power);
        let left = disk.read("reels/a/0.m4s").unwrap();
        assert!(left.starts_with(b"kept") && b"keptlost".starts_with(&left), "seed {seed}: {left:?}");
        assert!(file.append(&bytes("more")).is_err(), "a file of an earlier life is dead");
    }
}

#[test]
fn a_killed_process_leaves_what_it_wrote() {
    let disk = FaultDisk::new(1);
    disk.blobs().append_file("a").unwrap().append(&bytes("written")).unwrap();
    disk.restart(Death::Process);
    assert_eq!(disk.read("a").unwrap(), "written");
}

#[tokio::test]
async fn a_published_object_is_the_old_one_or_the_new_one_wherever_the_power_goes() {
    let mut seen = std::collections::BTreeSet::new();
    for seed in 0..300 {
        let disk = FaultDisk::new(seed);
        disk.blobs().put("reels/a/reel.json", Bytes::from_static(b"old")).await.unwrap();
        disk.plan(seed % 12, Blow::Die);
        let done = disk.blobs().put("reels/a/reel.json", Bytes::from_static(b"newer")).await;
        disk.restart(Death::Power);
        let left = disk.read("reels/a/reel.json").unwrap();
        assert!(if done.is_ok() { left == "newer" } else { left == "old" || left == "newer" }, "seed {seed}: {left:?}");
        seen.insert((done.is_ok(), left));
    }
    assert_eq!(seen.len(), 3, "both endings of a death, and success");
}

#[test]
fn a_full_disk_takes_what_fits_and_goes_on_when_there_is_room() {
    let disk = FaultDisk::new(3);
    let mut file = disk.blobs().append_file("a").unwrap();
    disk.set_capacity(6);
    file.append(&bytes("four")).unwrap();
    assert_eq!(file.append(&bytes("more")).unwrap_err().kind(), io::ErrorKind::StorageFull);
    assert_eq!(disk.used(), 4, "the part that fitted was cut back");
    disk.set_capacity(u64::MAX);
    file.append(&bytes("more")).unwrap();
    assert_eq!(disk.read("a").unwrap(), "fourmore");
}

#[test]
fn what_a_failed_sync_was_for_may_be_gone_though_later_ones_succeed() {
    let lost = (0..50).filter(|seed| {
        let disk = FaultDisk::new(*seed);
        let mut file = disk.blobs().append_file("a").unwrap();
        let first = vec![7; 2_000];
        file.append(&[first.clone().into()]).unwrap();
        disk.plan(0, Blow::Fail(io::ErrorKind::Other));
        assert!(file.sync_data().is_err());
        file.append(&bytes("second")).unwrap();
        file.sync_data().unwrap();
        let whole = [first, b"second".to_vec()].concat();
        assert_eq!(disk.read("a").unwrap(), whole, "a reader sees all of it");
        disk.restart(Death::Power);
        disk.read("a").unwrap() != whole
    });
    assert!(lost.count() > 0);
}

#[test]
fn what_was_written_again_after_a_failed_sync_is_kept_by_the_next() {
    for seed in 0..50 {
        let disk = FaultDisk::new(seed);
        let mut file = disk.blobs().append_file("a").unwrap();
        file.append(&bytes("first")).unwrap();
        disk.plan(0, Blow::Fail(io::ErrorKind::Other));
        assert!(file.sync_data().is_err());
        file.append(&bytes("second")).unwrap();
        file.rewrite(0).unwrap();
        file.sync_data().unwrap();
        disk.restart(Death::Power);
        assert_eq!(disk.read("a").unwrap(), "firstsecond", "seed {seed}");
    }
}

#[test]
fn a_file_whose_folder_could_not_be_synced_is_synced_when_it_is_opened_again() {
    // The file is made, the sync of its folder fails; the second attempt finds the file there.
    for seed in 0..50 {
        let disk = FaultDisk::new(seed);
        disk.blobs().append_file("reels/a/0").unwrap();
        disk.plan(3, Blow::Fail(io::ErrorKind::Other));
        assert!(disk.blobs().append_file("reels/a/1").is_err(), "its folder is not synced");
        let mut file = disk.blobs().append_file("reels/a/1").unwrap();
        file.append(&bytes("kept")).unwrap();
        file.sync_data().unwrap();
        disk.restart(Death::Power);
        assert_eq!(disk.read("reels/a/1").unwrap(), "kept", "seed {seed}");
    }
}

#[test]
fn calls_wait_while_the_disk_is_held() {
    let disk = FaultDisk::new(0);
    let mut file = disk.blobs().append_file("a").unwrap();
    disk.hold();
    let writer = std::thread::spawn(move || file.append(&bytes("late")).map(|()| file.len()));
    assert!(!writer.is_finished());
    disk.release();
    assert_eq!(writer.join().unwrap().unwrap(), 4);
}
