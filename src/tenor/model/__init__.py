"""What can learn: recipes, nets and the one engine that trains them."""
