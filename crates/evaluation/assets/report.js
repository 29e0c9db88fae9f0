(function () {
  "use strict";
  var source = document.getElementById("operating-points");
  if (!source) return;
  var data = JSON.parse(source.textContent);
  var narrow = window.matchMedia && window.matchMedia("(max-width: 44rem)").matches;
  if (narrow) document.getElementById("show-all").checked = true;

  // What is folded on the screen is open on paper.
  var opened = [];
  window.addEventListener("beforeprint", function () {
    opened = Array.prototype.filter.call(document.querySelectorAll("details"), function (one) { return !one.open; });
    opened.forEach(function (one) { one.open = true; });
  });
  window.addEventListener("afterprint", function () {
    opened.forEach(function (one) { one.open = false; });
  });

  function grouped(number) { return String(number).replace(/\B(?=(\d{3})+$)/g, ","); }
  function percent(part, whole) { return whole > 0 ? (100 * part / whole).toFixed(1) + "%" : "–"; }

  function cursor(name, key, x, y) {
    var svg = document.querySelector('figure[data-name="' + name + "-" + key + '"] svg');
    if (!svg) return;
    var f = svg.getAttribute("data-frame").split(" ").map(Number);
    var dot = svg.querySelector(".cursor");
    if (!dot) {
      dot = document.createElementNS(svg.namespaceURI, "circle");
      dot.setAttribute("class", "cursor");
      dot.setAttribute("r", "6");
      svg.appendChild(dot);
    }
    dot.setAttribute("cx", f[0] + (x - f[4]) / (f[5] - f[4]) * (f[2] - f[0]));
    dot.setAttribute("cy", f[3] - (y - f[6]) / (f[7] - f[6]) * (f[3] - f[1]));
  }

  Object.keys(data).forEach(function (key) {
    var cohort = data[key];
    var box = document.querySelector('.slider[data-cohort="' + key + '"]');
    if (!box || cohort.points.length < 2) return;
    function part(id) { return document.getElementById(id + "-" + key); }
    var slider = part("threshold"), capacity = part("capacity");
    slider.max = cohort.points.length - 1;
    capacity.max = cohort.n;

    function show(p, flagged, hits) {
      var false_alarms = flagged - hits, missed = cohort.positives - hits;
      part("p").textContent = p.toFixed(3);
      slider.setAttribute("aria-valuetext", "probability " + p.toFixed(3) + ", " + grouped(flagged) + " learners");
      part("flagged").textContent = grouped(flagged) + " of " + grouped(cohort.n);
      part("hits").textContent = grouped(hits);
      part("precision").textContent = percent(hits, flagged);
      part("recall").textContent = percent(hits, cohort.positives);
      part("missed").textContent = grouped(missed);
      [["bar-tp", hits], ["bar-fp", false_alarms], ["bar-fn", missed], ["bar-tn", cohort.n - flagged - missed]]
        .forEach(function (bar) { part(bar[0]).style.width = 100 * bar[1] / cohort.n + "%"; });
      var stayed = cohort.n - cohort.positives;
      if (stayed > 0 && cohort.positives > 0) {
        cursor("roc", key, false_alarms / stayed, hits / cohort.positives);
        cursor("precision-recall", key, hits / cohort.positives, hits / flagged);
        cursor("capacity", key, flagged / cohort.n, hits / cohort.positives);
      }
    }
    // The largest group of highest scores that fits, equal scores never parted.
    function fitting(learners) {
      var best = 0;
      cohort.points.forEach(function (point, at) { if (point[1] <= learners) best = at; });
      return best;
    }
    function at(place) {
      var point = cohort.points[place];
      show(point[0], point[1], point[2]);
      return point;
    }
    function reset() {
      var place = cohort.flagged ? fitting(cohort.flagged) : 0;
      slider.value = place;
      capacity.value = cohort.flagged || cohort.points[place][1];
      if (cohort.flagged) show(cohort.threshold, cohort.flagged, cohort.hits); else at(place);
    }
    slider.addEventListener("input", function () { capacity.value = at(Number(slider.value))[1]; });
    capacity.addEventListener("input", function () {
      var learners = Number(capacity.value);
      if (learners >= 1) { var place = fitting(learners); slider.value = place; at(place); }
    });
    part("reset").addEventListener("click", reset);
    box.hidden = false;
    reset();
  });
})();
