// Samples: two grids laid over each other with a divider between them, and any grid enlarged without blur.
const enlarge = image => {
  const whole = make("img", { src: image.src, alt: image.alt });
  const scale = Math.max(1, Math.floor(Math.min(0.88 * innerWidth / image.naturalWidth, 0.78 * innerHeight / image.naturalHeight)));
  whole.style.width = `${scale * image.naturalWidth}px`;
  const close = make("button", { type: "button" }, "Close");
  const dialog = make("dialog", { "aria-label": image.alt }, whole, make("p", {}, `${image.dataset.name || image.alt} `, close));
  close.addEventListener("click", () => dialog.close());
  dialog.addEventListener("click", event => { if (event.target === dialog) dialog.close(); });
  dialog.addEventListener("close", () => { dialog.remove(); image.focus(); });
  document.body.append(dialog);
  dialog.showModal();
};

const addCompare = figure => {
  const images = [...figure.querySelectorAll(".group img")];
  const options = () => images.map((image, at) => make("option", { value: at }, image.dataset.name));
  const later = images.findIndex((image, at) => at && image.closest(".group") !== images[0].closest(".group") &&
    image.naturalWidth === images[0].naturalWidth && image.dataset.name.endsWith(images[0].dataset.name.split(", ").pop()));
  const [left, right] = ["left", "right"].map(side => make("select", { "aria-label": `Samples on the ${side}` }, ...options()));
  const [under, over] = [make("img", {}), make("img", {})];
  const stage = make("div", { className: "stage" }, under, over);
  const divider = make("input", { type: "range", min: 0, max: 100, "aria-label": "Divider between left and right" });
  const draw = () => {
    for (const [image, select] of [[over, left], [under, right]]) {
      image.src = images[select.value].src;
      image.alt = images[select.value].alt;
    }
    stage.style.setProperty("--cut", `${divider.value}%`);
    over.style.clipPath = `inset(0 ${100 - divider.value}% 0 0)`;
  };
  const restore = () => {
    left.value = address.get(figure.id, "left") || 0;
    right.value = address.get(figure.id, "right") || Math.max(1, later);
    divider.value = address.get(figure.id, "cut") || 50;
    draw();
  };
  const keep = (key, control) => control.addEventListener("input", () => {
    draw();
    address.set(figure.id, key, control.value);
  });
  keep("left", left); keep("right", right); keep("cut", divider);
  figure.querySelector(".grids").before(make("div", { className: "look", role: "group", "aria-label": "Two settings at the same noise and label" },
    make("div", { className: "pick" }, make("label", {}, "left", left), make("label", {}, "right", right)), stage, divider));
  restore();
};

const addSamples = figure => {
  for (const image of figure.querySelectorAll(".group img")) {
    image.tabIndex = 0;
    image.setAttribute("role", "button");
    image.addEventListener("click", () => enlarge(image));
    image.addEventListener("keydown", event => {
      if (event.key === "Enter" || event.key === " ") { event.preventDefault(); enlarge(image); }
    });
  }
  if (figure.classList.contains("compared")) addCompare(figure);
};
