/** The review: its figures can be compared. Accepting and refusing are plain forms. */
document.querySelectorAll(".pictures").forEach(showPictures);
