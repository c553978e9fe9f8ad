export function Alert({ children }) {
  return (
    <p role="alert" className="alert">
      {children}
    </p>
  );
}
