/** The page at / of an open service: turns the sample to the visitor's own time. */
import { byId } from "./face.js";

function tick() {
  const now = new Date();
  const [hours, minutes] = [now.getHours(), now.getMinutes()];
  const clock = [hours, minutes].map((part) => `${part}`.padStart(2, "0")).join(":");
  byId("clock").textContent = clock;
  byId("clock").dateTime = clock;
  byId("hour").textContent = `${hours % 12 || 12} o'clock`;
  const angle = (hours % 12) * 30;
  byId("hand").setAttribute("transform", `rotate(${angle} 200 200)`);
  byId("icon").style.transform = `rotate(${angle}deg)`;
  const minute = minutes * 6 + now.getSeconds() / 10;
  byId("minute").setAttribute("transform", `rotate(${minute} 200 200)`);
  byId("here").hidden = false;
}

tick();
setInterval(tick, 1000);
