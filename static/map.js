// The Map tab: a pin that follows the two fields and fills them. Works with tiles and without.
(() => {
  const box = document.getElementById("map");
  const fields = ["latitude", "longitude"].map((id) => document.getElementById(id));
  if (!box || !window.L || fields.some((field) => !field)) return;
  const note = document.getElementById("map-note");
  const typed = () => fields.map((field) => Number.parseFloat(field.value.replace(",", ".")));
  const isPlace = ([latitude, longitude]) => Math.abs(latitude) <= 90 && Math.abs(longitude) <= 180;
  const known = isPlace(typed());

  const map = L.map(box, { attributionControl: false, zoomAnimation: false, fadeAnimation: false, markerZoomAnimation: false });
  map.setView(known ? typed() : [50, 10], known ? 17 : 4);
  if (box.dataset.tiles) {
    L.control.attribution({ prefix: false }).addTo(map);
    const text = document.createElement("span");
    text.textContent = box.dataset.attribution; // no markup of others
    L.tileLayer(box.dataset.tiles, { maxZoom: 19, attribution: text.innerHTML }).addTo(map);
  }
  const icon = L.divIcon({ className: "map-pin", iconSize: [28, 28], iconAnchor: [14, 28] });
  const editable = Boolean(box.dataset.editable);
  const pin = L.marker(map.getCenter(), { icon, draggable: editable, keyboard: false, title: "The charging station" });
  if (known) pin.addTo(map);

  const put = (place, move) => {
    pin.setLatLng(place).addTo(map);
    fields[0].value = place.lat.toFixed(6);
    fields[1].value = place.lng.toFixed(6);
    if (move) map.setView(place, Math.max(map.getZoom(), 17));
    if (note) note.textContent = "Not saved yet.";
  };
  if (!editable) return;
  map.on("click", (event) => put(event.latlng));
  pin.on("dragend", () => put(pin.getLatLng()));
  fields.forEach((field) =>
    field.addEventListener("input", () => {
      const place = typed();
      if (!isPlace(place)) return;
      pin.setLatLng(place).addTo(map);
      map.setView(place);
    }),
  );
  document.getElementById("here")?.addEventListener("click", () => {
    note.textContent = "Asking this device where it is …";
    navigator.geolocation.getCurrentPosition(
      ({ coords }) => put(L.latLng(coords.latitude, coords.longitude), true),
      () => (note.textContent = "This device does not tell where it is. Click on the map or type degrees."),
      { enableHighAccuracy: true, timeout: 15000 },
    );
  });
})();
