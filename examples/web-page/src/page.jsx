import { useEffect, useRef, useState } from "react";
import { createRoot } from "react-dom/client";
import "./page.css";
import { Result } from "./result.jsx";
import { Alert } from "./alert.jsx";
import { useOrder } from "./use-order.js";

const SHAPES = { "16:9": "Wide", "1:1": "Square", "9:16": "Tall" };

function Form({ wish, open, onSend }) {
  const [prompt, setPrompt] = useState(wish?.prompt ?? "");
  const [shape, setShape] = useState(wish?.aspect_ratio ?? "16:9");
  const first = useRef(null);
  useEffect(() => {
    if (open) first.current.focus();
  }, [open]);

  function onSubmit(event) {
    event.preventDefault();
    onSend({ prompt, aspect_ratio: shape });
  }

  return (
    <form className="card" onSubmit={onSubmit}>
      <fieldset disabled={!open}>
        <label htmlFor="prompt">What happens in it?</label>
        <textarea
          id="prompt"
          ref={first}
          rows="3"
          required
          maxLength="32000"
          placeholder="A paper boat on a rainy street"
          value={prompt}
          onChange={(event) => setPrompt(event.target.value)}
        />
        <div className="row">
          <div role="radiogroup" aria-label="Shape" className="shapes">
            {Object.entries(SHAPES).map(([ratio, name]) => (
              <label key={ratio}>
                <input
                  type="radio"
                  name="shape"
                  checked={shape === ratio}
                  onChange={() => setShape(ratio)}
                />
                {name}
              </label>
            ))}
          </div>
          <button type="submit" className="main">
            Create
          </button>
        </div>
      </fieldset>
    </form>
  );
}

function Page() {
  const { wish, generation, refusal, trouble, send, cancel, another } = useOrder();
  return (
    <main>
      <h1>Make a video</h1>
      <Form wish={wish} open={!wish} onSend={send} />
      {refusal && <Alert>{refusal}</Alert>}
      {wish && (
        <Result
          wish={wish}
          generation={generation}
          trouble={trouble}
          onCancel={cancel}
          onAnother={another}
        />
      )}
    </main>
  );
}

createRoot(document.getElementById("page")).render(<Page />);
