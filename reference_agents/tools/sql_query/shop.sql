-- A small shop: what sql_query answers from where SQL_DATABASE names no other database.
CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT NOT NULL, city TEXT NOT NULL, since TEXT NOT NULL);
CREATE TABLE products (id INTEGER PRIMARY KEY, name TEXT NOT NULL, price_cents INTEGER NOT NULL);
CREATE TABLE orders (
  id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL REFERENCES customers (id),
  product_id INTEGER NOT NULL REFERENCES products (id), amount INTEGER NOT NULL, placed TEXT NOT NULL, status TEXT NOT NULL
);
INSERT INTO customers VALUES
  (1, 'Northwind', 'Oslo', '2023-02-01'), (2, 'Contoso', 'Lyon', '2023-06-15'), (3, 'Fabrikam', 'Graz', '2024-01-09'),
  (4, 'Initech', 'Oslo', '2024-03-30'), (5, 'Globex', 'Turin', '2025-05-02');
INSERT INTO products VALUES (1, 'desk', 32000), (2, 'chair', 14900), (3, 'lamp', 4500), (4, 'shelf', 8900);
INSERT INTO orders VALUES
  (1, 1, 1, 2, '2025-01-14', 'delivered'), (2, 1, 2, 4, '2025-01-14', 'delivered'), (3, 2, 3, 10, '2025-02-02', 'delivered'),
  (4, 3, 4, 3, '2025-02-20', 'returned'), (5, 4, 1, 1, '2025-03-05', 'delivered'), (6, 2, 2, 2, '2025-03-11', 'delivered'),
  (7, 5, 3, 6, '2025-03-28', 'delivered'), (8, 1, 4, 1, '2025-04-07', 'sent'), (9, 3, 2, 8, '2025-04-19', 'sent'),
  (10, 4, 3, 2, '2025-04-30', 'cancelled'), (11, 5, 1, 3, '2025-05-06', 'sent'), (12, 2, 4, 5, '2025-05-21', 'placed');
